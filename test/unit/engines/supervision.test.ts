import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stackAddresses } from '../../../engines/addresses.ts';
import { formatDotenv, keptApiToken, writeEnvFile } from '../../../engines/environment.ts';
import { ManagedProcess } from '../../../engines/supervision/managed-process.ts';
import { stackPaths } from '../../../engines/paths.ts';
import {
  checkPortsAreFree,
  freePorts,
  portInUseSentence,
  portsFromEnvironment,
} from '../../../engines/ports.ts';
import { claimPlace, recordProcess, runningProcess, stopLeftovers } from '../../../engines/supervision/process-record.ts';
import { restartPause } from '../../../engines/supervision/processes.ts';
import { saysWorkerReady } from '../../../engines/programs.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stack-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('ports', () => {
  it('are the usual ones, each moved by its variable', () => {
    expect(portsFromEnvironment({})).toMatchObject({
      redis: 16379,
      kafka: 19092,
      trino: 18080,
      temporalUi: 8233,
      api: 18000,
    });
    expect(portsFromEnvironment({ TRINO_PORT: '28080' }).trino).toBe(28080);
  });

  it('that are no ports, or are given twice, are all named in one error', () => {
    const read = () => portsFromEnvironment({ REDIS_PORT: 'x', TRINO_PORT: '70000', API_PORT: '8233' });
    expect(read).toThrow(
      /REDIS_PORT=x is not a port.*\n.*TRINO_PORT=70000.*\n.*TEMPORAL_UI_PORT and API_PORT are both 8233/,
    );
  });

  it('in use are told with both remedies', () => {
    expect(portInUseSentence('trino', 18080)).toBe(
      'Port 18080 (Trino) is in use; set TRINO_PORT to another one or TRINO_URL to use what runs there.',
    );
    expect(portInUseSentence('api', 18000)).toBe('Port 18000 (API) is in use; set API_PORT to another one.');
  });

  it('in use are found and reported together', async () => {
    const ports = await freePorts();
    const servers = [createServer().listen(ports.redis, '127.0.0.1'), createServer().listen(ports.trino)];
    await Promise.all(servers.map((server) => once(server, 'listening')));
    await expect(checkPortsAreFree(ports, ['redis', 'kafka', 'trino'])).rejects.toMatchObject({
      problems: [portInUseSentence('redis', ports.redis), portInUseSentence('trino', ports.trino)],
    });
    servers.forEach((server) => server.close());
  });
});

describe('addresses', () => {
  const ports = portsFromEnvironment({});

  it('follow the ports, except of an engine whose address is given', () => {
    const addresses = stackAddresses(ports, {
      TRINO_URL: 'http://trino:8080',
      TRINO_CATALOG: 'lake',
      REDIS_URL: '',
    });
    expect(addresses).toMatchObject({
      TRINO_URL: 'http://trino:8080',
      TRINO_CATALOG: 'lake',
      TRINO_SCHEMA: 'kol_silver',
    });
    expect(addresses).toMatchObject({
      REDIS_URL: 'redis://127.0.0.1:16379',
      TEMPORAL_ADDRESS: '127.0.0.1:7233',
    });
  });

  it('of a foreign Trino do not leak into ours', () => {
    expect(stackAddresses(ports, { TRINO_CATALOG: 'lake' }).TRINO_CATALOG).toBe('iceberg');
  });

  it('are written so that dotenv reads them back', () => {
    const values = { URL: 'http://127.0.0.1:18080', TEXT: 'a b#c $HOME', EMPTY: '' };
    expect(parse(formatDotenv(values))).toEqual(values);
  });

  it('and the token are for the owner only, and the token stays the same', async () => {
    const paths = stackPaths(folder);
    const token = await keptApiToken(paths.apiToken);
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(await keptApiToken(paths.apiToken)).toBe(token);
    await writeFile(paths.env, 'OLD=1', { mode: 0o644 });
    await writeEnvFile(paths.env, { API_TOKEN: token });
    expect(await readFile(paths.env, 'utf8')).toBe(`API_TOKEN=${token}\n`);
    for (const file of [paths.env, paths.apiToken]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe('a written-down process', () => {
  it('is told from a later one with its number', async () => {
    const file = join(folder, 'run', 'x.process');
    await recordProcess(file, process.pid);
    expect((await runningProcess(file))?.pid).toBe(process.pid);
    await writeFile(file, JSON.stringify({ pid: process.pid, identity: 'of an earlier one' }));
    expect(await runningProcess(file)).toBeUndefined();
  });

  it('holds its place while it runs, and loses it when it is gone', async () => {
    const place = join(folder, 'supervisor');
    await writeFile(place, JSON.stringify({ pid: 99999999, identity: 'gone' }));
    expect(await claimPlace(place)).toBeUndefined();
    expect((await claimPlace(place))?.pid).toBe(process.pid);
  });

  it('left over by a killed start is stopped, a stranger is not', async () => {
    const lines: string[] = [];
    const child = spawn('sleep', ['60'], { detached: true });
    const gone = once(child, 'exit');
    await recordProcess(join(folder, 'sleep.process'), child.pid ?? 0);
    await writeFile(
      join(folder, 'stranger.process'),
      JSON.stringify({ pid: process.pid, identity: 'another' }),
    );
    await stopLeftovers(folder, (line) => lines.push(line));
    await gone;
    expect(lines).toEqual([`Stopping sleep (process ${child.pid}), left over from a start that was killed`]);
  });
});

describe('a managed process', () => {
  const shell = (script: string, startSeconds = 5) =>
    new ManagedProcess(
      {
        name: 'shell',
        title: 'Shell',
        command: '/bin/sh',
        args: ['-c', script],
        startSeconds,
        stopSeconds: 0.3,
        isReady: async (newLog) => (await newLog()).includes('up'),
      },
      stackPaths(folder),
    );

  it('that ends while it starts is an error with the end of its log', async () => {
    await expect(shell('echo cannot open the database; exit 7').start()).rejects.toThrow(
      /Shell ended with exit code 7 while it was starting.*\n {2}\| cannot open the database/,
    );
  });

  it('that is not ready in time is stopped', async () => {
    const late = shell('echo thinking; exec sleep 60', 0.3);
    await expect(late.start()).rejects.toThrow(/not ready after 0.3 s.*\n {2}\| thinking/);
    expect(late.pid).toBeUndefined();
  });

  it('that does not heed SIGTERM is killed after its grace', async () => {
    const stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.1; done");
    await stubborn.start();
    await stubborn.stop();
    expect(stubborn.pid).toBeUndefined();
  });

  it('that ends by itself is told, one that is stopped is not, and either can start again', async () => {
    const exits: string[] = [];
    const own = shell('echo up; exec sleep 60');
    own.onUnexpectedExit = (how) => exits.push(how);
    await own.start();
    await own.stop();
    expect(exits).toEqual([]);
    await own.start();
    await expect(own.start()).rejects.toThrow('Shell runs already');
    await own.kill();
    expect(exits).toEqual(['was ended by SIGKILL']);
  });
});

describe('restarts', () => {
  it('pause longer with each failure in a row, up to half a minute', () => {
    expect([1, 2, 3, 6, 60].map(restartPause)).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });

  it('know a worker that is ready by its log', () => {
    expect(saysWorkerReady('{"level":30,"msg":"starting"}\n')).toBe(false);
    expect(saysWorkerReady('{"level":30,"msg":"starting"}\n{"level":30,"msg":"worker ready"}\n')).toBe(true);
  });
});
