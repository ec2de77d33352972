import { expect, test } from 'vitest';
import { LUA_LATEST_TIME } from '../../../cache/redis/lua-clock.ts';
import { luaScript, runScriptEach } from '../../../cache/redis/run-commands.ts';
import { scanEntities, type CachedEntity } from '../../../cache/redis/scan-entities.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { writeContentRows } from '../../../cache/writing/write-content.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { cachedAtOf, readRedisTime } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { contentOf, profileEntries, profileOf } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';

describeOnRedisAndCluster('a row whose time is in the future, as another client writes it', (target) => {
  const HOUR_US = 3_600_000_000;
  const key = profile.key('zoe');
  /** Caches a row with another time than now. */
  async function cacheAt(microseconds: number): Promise<number> {
    const now = await readRedisTime(target.redis);
    await writeEntries(target.redis, [
      profile.toEntry('zoe', profileOf('zoe', 1), cachedAtOf(now + microseconds)),
      content.toEntry('video', contentOf('video', 1), cachedAtOf(now + microseconds)),
    ]);
    return now;
  }

  test('is replaced by a read', async () => {
    const { redis } = target;
    const now = await cacheAt(7 * HOUR_US);
    expect(await writeEntries(redis, profileEntries(['zoe'], 7, new Date(now / 1000)))).toMatchObject({
      replaced: 1,
    });
    expect(await writeContentRows(redis, [contentOf('video', 7)], now)).toMatchObject({
      written: 1,
      late: 0,
    });
    expect(await redis.hget(key, 'followers_count')).toBe('7');
  });

  test('is no row of a read that began a moment later: that one stays', async () => {
    const { redis } = target;
    const now = await cacheAt(1000);
    await writeEntries(redis, profileEntries(['zoe'], 7, new Date(now / 1000 - 1)));
    expect(await redis.hget(key, 'followers_count')).toBe('1');
    expect(await deleteUnlessStreamed(redis, [key], now - 1000)).toBe(0);
  });

  test('is a stray key to a scan, and is removed', async () => {
    const now = await cacheAt(7 * HOUR_US);
    const found: CachedEntity[] = [];
    for await (const page of scanEntities(target.redis, profile)) found.push(...page);
    expect(found).toEqual([{ id: 'zoe', cachedAt: '' }]);
    expect(await deleteUnlessStreamed(target.redis, [key], now)).toBe(1);
  });

  test('is compared with a clock that handles months and leap years', async () => {
    const times = Array.from({ length: 4000 }, (_, index) => index * 86_399 * 7);
    const iso = luaScript(`${LUA_LATEST_TIME}
return isoTime(tonumber(ARGV[1]))`);
    const calls = times.map((seconds) => ({ keys: ['a'], args: [seconds] }));
    expect(await runScriptEach<string>(target.redis, iso, calls)).toEqual(
      times.map((seconds) => new Date(seconds * 1000).toISOString().replace('.000', '')),
    );
  });
});
