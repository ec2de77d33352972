import { expect, test } from 'vitest';
import { refreshTtls } from '../../../cache/writing/refresh-ttl.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { idsOf } from '../../support/cache-values.ts';
import { useOwnRedis } from '../../support/run-activity.ts';

const redis = await useOwnRedis();

const entries = idsOf(1000).map((id): CacheEntry => ({
  key: `test:${id}`,
  ttlSeconds: 100,
  type: 'hash',
  fields: { id },
}));

/** How many script calls Redis counts, apart from a first one that makes it know the script. */
async function scriptCalls(work: () => Promise<unknown>): Promise<number> {
  await work();
  await redis.config('RESETSTAT');
  await work();
  return Number(/^cmdstat_evalsha:calls=(\d+),/m.exec(await redis.info('commandstats'))?.[1]);
}

// A call holds up the other clients of Redis, so it has no more than these either.
test('a script call writes 50 hashes', async () => {
  expect(await scriptCalls(() => writeEntries(redis, entries))).toBe(20);
});

test('a script call renews 250 keys', async () => {
  await writeEntries(redis, entries);
  expect(await scriptCalls(() => refreshTtls(redis, entries))).toBe(4);
});
