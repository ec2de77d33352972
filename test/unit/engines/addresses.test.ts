import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stackAddresses } from '../../../engines/addresses.ts';
import { formatDotenv, readOrCreateApiToken, writeEnvFile } from '../../../engines/env-file.ts';
import { stackPaths } from '../../../engines/paths.ts';
import { portsFromEnvironment } from '../../../engines/ports.ts';

describe('addresses of the stack', () => {
  const ports = portsFromEnvironment({});

  it('use the ports of the stack, except for engines whose address is set', () => {
    const addresses = stackAddresses(ports, {
      TRINO_URL: 'http://trino:8080',
      TRINO_CATALOG: 'lake',
      REDIS_URL: '',
    });
    expect(addresses).toMatchObject({
      TRINO_URL: 'http://trino:8080',
      TRINO_CATALOG: 'lake',
      TRINO_SCHEMA: 'kol_silver',
      REDIS_URL: 'redis://127.0.0.1:16379',
      TEMPORAL_ADDRESS: '127.0.0.1:7233',
    });
  });

  it('ignore the catalog of another Trino when the local Trino is used', () => {
    expect(stackAddresses(ports, { TRINO_CATALOG: 'lake' }).TRINO_CATALOG).toBe('iceberg');
  });

  it('name the catalog of the local lakehouse that LAKEHOUSE chooses, and refuse another one', () => {
    expect(stackAddresses(ports, { LAKEHOUSE: 'hive' }).TRINO_CATALOG).toBe('hive');
    expect(stackAddresses(ports, { LAKEHOUSE: '' }).TRINO_CATALOG).toBe('iceberg');
    expect(() => stackAddresses(ports, { LAKEHOUSE: 'delta' })).toThrow(
      'LAKEHOUSE is "delta": it must be iceberg or hive.',
    );
  });
});

describe('the env file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stack-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('has a format that dotenv reads back unchanged', () => {
    const values = { URL: 'http://127.0.0.1:18080', TEXT: 'a b#c $HOME', EMPTY: '' };
    expect(parse(formatDotenv(values))).toEqual(values);
  });

  it('and the token file are readable for their owner only, and the token stays the same', async () => {
    const paths = stackPaths(folder);
    const token = await readOrCreateApiToken(paths.apiToken);
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(await readOrCreateApiToken(paths.apiToken)).toBe(token);
    await writeFile(paths.env, 'OLD=1', { mode: 0o644 });
    await writeEnvFile(paths.env, { API_TOKEN: token });
    expect(await readFile(paths.env, 'utf8')).toBe(`API_TOKEN=${token}\n`);
    for (const file of [paths.env, paths.apiToken]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});
