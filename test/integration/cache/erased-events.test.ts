import { expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { writeEngagement } from '../../../cache/writing/write-engagement.ts';
import { writeScores } from '../../../cache/writing/write-scores.ts';
import { writeUnlessErased } from '../../../cache/writing/write-unless-erased.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import { score } from '../../../domain/entities/score.ts';
import { scoreAt } from '../../support/cache-values.ts';
import { describeOnRedisAndCluster } from '../../support/redis-targets.ts';

const ID = 'zoe';
const OTHER = 'zoe2';

describeOnRedisAndCluster('the erasure of a KOL', (target) => {
  const admin = () => createCacheAdmin(target.redis);

  test('refuses earlier events of the KOL, by either id, and accepts later ones', async () => {
    const { redis } = target;
    const oldMs = Math.floor((await readRedisTime(redis)) / 1000) - 1;
    await admin().eraseKol(ID);
    const newMs = Math.ceil((await readRedisTime(redis)) / 1000);
    // the clock of the scraper is ahead, but the erasure is still later than the event
    const eventOf = (kolIds: readonly string[], happened_by_ms: number) => ({
      ...{ kolIds, happened_by_ms, keys: [] },
      event_time_ms: newMs + 60_000,
    });
    const wanted = [eventOf([ID], newMs), eventOf([OTHER], oldMs), eventOf([], oldMs)];
    const late = [eventOf([ID], oldMs), eventOf([OTHER, ID], oldMs)];
    const write = (some: readonly object[]) => Promise.resolve([...some]);
    expect(await writeUnlessErased(redis, [...wanted, ...late], write)).toEqual(wanted);
  });

  const eventOf = (id: string) => ({
    ...{ ...scoreAt(id, 5), kolIds: [id], event_time_ms: 5 },
    ...{ happened_by_ms: 5, keys: [score.key(id)] },
  });

  test('removes the values of an attempt that failed before it saw the erasure', async () => {
    const { redis } = target;
    await admin().eraseKol(ID);
    const ofVideo = { source: { topic: 't', partition: 0, offset: 1 }, event_time_ms: 5 };
    await writeScores(redis, [eventOf(ID)]);
    await writeEngagement(redis, [
      { ...ofVideo, engagement: { kol_id: OTHER, content_id: 'v', engagement_rate: 1 } },
    ]);
    const video = { ...ofVideo, kolIds: [ID, OTHER], happened_by_ms: 5, keys: [engagement.key(OTHER)] };
    for (const event of [eventOf(ID), video])
      await writeUnlessErased(redis, [event], () => Promise.resolve());
    expect(await redis.exists(score.key(ID))).toBe(0);
    expect(await redis.exists(engagement.key(OTHER))).toBe(0);
  });

  test('keeps the value of a later event when an earlier one is replayed', async () => {
    const { redis } = target;
    await admin().eraseKol(ID);
    await writeScores(redis, [scoreAt(ID, 6)]);
    await writeUnlessErased(redis, [eventOf(ID)], () => Promise.resolve());
    expect(await redis.exists(score.key(ID))).toBe(1);
  });

  test('removes the KOL once more when an event writes it during the erasure', async () => {
    const { redis } = target;
    const events = [ID, OTHER].map(eventOf);
    await writeUnlessErased(redis, events, async (some) => {
      await admin().eraseKol(ID);
      return writeScores(redis, some);
    });
    expect(await redis.exists(score.key(ID))).toBe(0);
    expect(await redis.exists(score.key(OTHER))).toBe(1);
  });
});
