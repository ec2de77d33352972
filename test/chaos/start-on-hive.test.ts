import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheMetadata, parsePartMetadata } from '../../domain/entities/part-metadata.ts';
import { warmParts } from '../../domain/warming/warm-parts.ts';
import { projectFolder, stackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startSystem } from '../../engines/start-system.ts';
import { until } from '../support/until.ts';

/** The first start installs engines. */
const STARTED_SECONDS = 600;
const folder = join(stackFolder, 'hive');
let system: Awaited<ReturnType<typeof startSystem>>;
let redis: Redis;

// The same as `LAKEHOUSE=hive npm start`, in its own folder and on its own ports.
beforeAll(async () => {
  await rm(folder, { recursive: true, force: true });
  system = await startSystem({
    folder,
    ports: await freePorts(),
    environment: { LAKEHOUSE: 'hive' },
    report: () => {},
    signal: new AbortController().signal,
  });
  redis = new Redis(system.addresses.REDIS_URL, { protocol: 2 });
}, STARTED_SECONDS * 1000);
afterAll(async () => {
  redis.disconnect();
  await system.stop();
});

const get = async (path: string) => {
  const response = await fetch(system.addresses.API_URL + path);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
};

const pathOf = (kolId: string) => `/api/v1/kols/${encodeURIComponent(kolId)}`;

/** The KOL of a platform with the most followers. */
async function firstOf(platform: string): Promise<string> {
  const { body } = await get(`/api/v1/kols/top?platform=${platform}&limit=1`);
  return (body['items'] as { kol_id: string }[])[0]?.kol_id ?? '';
}

const metadata = async () =>
  Object.entries(await redis.hgetall(cacheMetadata.key)).map(([part, text]) => ({
    part,
    ...parsePartMetadata(text),
  }));

test('LAKEHOUSE=hive npm start warms every part from the files of Hive tables', async () => {
  await until('every part is warm', async () => (await metadata()).length === warmParts.length);
  const parts = await metadata();
  expect(parts.map(({ part }) => part).sort()).toEqual([...warmParts].sort());
  const versions = parts.flatMap((part) => Object.entries(part.versions ?? {}));
  for (const [table, version] of versions) expect(`${table} ${version}`).toMatch(/^kol_\w+ files [0-9a-f]+$/);
  expect(parts.find(({ part }) => part === 'profiles')).toMatchObject({ keys: 37_486, rows: 37_486 });
});

test('the API serves hits and misses of it', async () => {
  expect((await get('/readyz')).body).toMatchObject({ status: 'ready' });
  expect((await get('/api/v1/stats')).body).toMatchObject({ total_kols: 37_486, total_content: 20_028 });
  const kolId = await firstOf('tiktok');
  const kol = pathOf(kolId);
  const hit = await get(kol);
  expect(hit).toMatchObject({ status: 200, body: { platform: 'tiktok' } });
  // No warm writes the content of a KOL.
  const content = await get(`${kol}/content`);
  expect(content.body['items']).toContainEqual(expect.objectContaining({ platform: 'tiktok' }));
  // A profile that left the cache is read from the lakehouse again.
  await redis.del(`kol:profile:${kolId}`);
  expect(await get(kol)).toEqual(hit);
  // Only Twitter profiles have features for a score.
  expect(await get(`${pathOf(await firstOf('twitter'))}/score`)).toMatchObject({ status: 200 });
});

test('a warm by hand finds its tables unchanged', async () => {
  const { stdout } = await execa(process.execPath, ['--import', 'tsx', 'cli/warm.ts', '--lists', '--json'], {
    cwd: projectFolder,
    env: { ...system.addresses },
  });
  expect(JSON.parse(stdout)).toMatchObject({
    parts: [
      { part: 'lists', rowsRead: 0, renewed: 3, skipped: [expect.stringContaining('unchanged since')] },
    ],
  });
});
