import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { fenceKey } from '../../../cache/writing/read-fence.ts';
import { refreshTtls } from '../../../cache/writing/refresh-ttl.ts';
import { mergeContentEvents, writeContentRows } from '../../../cache/writing/write-content.ts';
import { cachedAtOf, type RedisClient } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { contentOf, idsOf, NOW } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { keysWithoutTtl } from '../../support/redis.ts';

const videos = idsOf(90, 'video-');
/** NOW as the time of Redis at which a read began. */
const NOW_MICROS = NOW.getTime() * 1000;
const SECOND_MICROS = 1_000_000;

const contentRows = (processedAtMs: number) =>
  videos.map((id) => contentOf(id, 30, new Date(processedAtMs).toISOString()));
const writeEvents = (redis: RedisClient, ids: readonly string[], event_time_ms: number, views: number) =>
  mergeContentEvents(
    redis,
    ids.map((content_id) => ({
      content_id,
      event_time_ms,
      source: { topic: 'kol.videos.raw', partition: 0, offset: 1 },
    })),
    ({ content_id }) => contentOf(content_id, views),
    NOW,
  );

describeOnRedisAndCluster('content details from rows', (target) => {
  test('of an equal one renew time and TTL, and write one that differs in any field', async () => {
    const { redis } = target;
    const rows = contentRows(2000);
    expect(await writeContentRows(redis, rows, NOW_MICROS)).toMatchObject({ written: 90, renewed: 0 });
    const [equal, longer, other, ...changed] = videos.map(content.key) as [string, string, string];
    await redis.expire(equal, 5);
    await redis.hset(longer, 'more', '');
    await redis.del(other);
    await redis.set(other, 'of another type');
    const differing = Object.keys(await redis.hgetall(equal)).filter((field) => field !== 'cached_at');
    for (const [index, field] of differing.entries()) await redis.hset(changed[index] ?? '', field, 'x');
    const later = NOW_MICROS + SECOND_MICROS;
    const written = 2 + differing.length;
    expect(await writeContentRows(redis, rows, later)).toMatchObject({ written, renewed: 90 - written });
    expect(await redis.ttl(equal)).toBeGreaterThan(1000);
    for (const key of videos.map(content.key)) {
      const { cached_at, ...detail } = await redis.hgetall(key);
      expect(cached_at).toBe(cachedAtOf(later));
      expect(content.fromHash({ ...detail, cached_at: '' })).toEqual(
        rows.find(({ content_id }) => content.key(content_id) === key),
      );
    }
  });

  test('are deleted, while details that events wrote stay', async () => {
    const { redis } = target;
    const keys = videos.map(content.key);
    const ttls = keys.map((key) => ({ key, ttlSeconds: 5000 }));
    const later = NOW_MICROS + SECOND_MICROS;
    await writeEvents(redis, videos, 2000, 20);
    // A row replaces the whole hash, so that the first half holds no event.
    await writeContentRows(redis, contentRows(2001).slice(0, 45), NOW_MICROS);
    expect(await refreshTtls(redis, ttls)).toBe(ttls.length);
    expect(await redis.ttl(content.key('video-89'))).toBeGreaterThan(4900);
    expect(await deleteUnlessStreamed(redis, keys, later, { dryRun: true })).toBe(45);
    expect(await deleteUnlessStreamed(redis, keys, later)).toBe(45);
    expect(await refreshTtls(redis, ttls)).toBe(ttls.length - 45);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('keep the state of the read that began last, in any order of writes and deletes', async () => {
    const { redis } = target;
    const id = 'video-1';
    const key = content.key(id);
    const reads = fc.uniqueArray(
      fc.record({
        second: fc.integer({ min: 1, max: 99 }),
        // null: the read did not find the row.
        views: fc.option(fc.integer({ min: 0, max: 3 })),
      }),
      { selector: ({ second }) => second, minLength: 1, maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(reads, async (finished) => {
        await redis.unlink(key, fenceKey(key));
        for (const { second, views } of finished) {
          const readAt = NOW_MICROS + second * SECOND_MICROS;
          if (views === null) await deleteUnlessStreamed(redis, [key], readAt);
          // An older row in a later read: a rollback.
          else await writeContentRows(redis, [contentOf(id, views)], readAt);
        }
        const last = finished.reduce((one, other) => (other.second > one.second ? other : one));
        expect(await redis.hget(key, 'views')).toBe(last.views === null ? null : String(last.views));
      }),
      { numRuns: 30 },
    );
  });

  test('that are late are counted separately from those with a detail of a newer event', async () => {
    const { redis } = target;
    const [later, gone, ofEvent, fresh] = ['later', 'gone', 'of-event', 'fresh'] as const;
    const row = (id: string, views: number) => contentOf(id, views, new Date(2000).toISOString());
    await writeContentRows(redis, [row(later, 9)], NOW_MICROS + SECOND_MICROS);
    await deleteUnlessStreamed(redis, [content.key(gone)], NOW_MICROS + SECOND_MICROS);
    await writeEvents(redis, [ofEvent], 2001, 7);
    const rows = [later, gone, ofEvent, fresh].map((id) => row(id, 1));
    const counts = { written: 1, renewed: 0, late: 2, kept: 1 };
    expect(await writeContentRows(redis, rows, NOW_MICROS)).toEqual(counts);
    // a second attempt of the same read finds its own rows
    expect(await writeContentRows(redis, rows, NOW_MICROS)).toEqual(counts);
    const views = [later, gone, ofEvent, fresh].map((id) => redis.hget(content.key(id), 'views'));
    expect(await Promise.all(views)).toEqual(['9', null, '7', '1']);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });
});
