import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import { writeContentRows } from '../../../cache/writing/write-content.ts';
import { readRedisTime } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import { trending } from '../../../domain/entities/trending.ts';
import {
  outcomeCount,
  event,
  loopHarness,
  stateOf,
  type LoopHandle,
  type LoopHarness,
} from '../../support/loop-harness.ts';
import { UNREACHABLE_ADDRESS } from '../../support/api.ts';
import { contentOf } from '../../support/cache-values.ts';
import { queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(7, { env: { SCORING_ENRICH_DEADLINE_MS: '20000' } });
});
afterAll(() => harness.close());
beforeEach(async () => {
  await harness.redis.flushdb();
  topic = await harness.newTopic();
});

const video = (id: string, more: object = {}) => event('videos', id, more);
const withVideoLoop = (work: (loop: LoopHandle) => Promise<void>, worker = harness) =>
  worker.withLoop(topic, work, { kind: 'videos' });
const sendAndWait = async (loop: LoopHandle, messages: ReturnType<typeof video>[]) => {
  const before = await outcomeCount(loop);
  await harness.producer.send({ topic, messages });
  await until('all have an outcome', async () => (await outcomeCount(loop)) === before + messages.length);
};
const detail = async (id: string) => content.fromHash(await harness.redis.hgetall(content.key(id)));

/** A trending list as a warm writes it: five items, hottest first. */
const warmItems = [50, 40, 30, 20, 10].map((heat) => ({ content_id: `warm-${heat}`, heat }));
async function writeTrending(): Promise<void> {
  for (const platform of ['tiktok', 'all']) {
    const heat = warmItems.flatMap(({ content_id, heat }) => [heat, content_id]);
    await harness.redis.zadd(trending.heatKey(platform), ...heat);
    await harness.redis.expire(trending.heatKey(platform), 900);
    await harness.redis.rpush(trending.key(platform), ...warmItems.map(({ content_id }) => content_id));
    await harness.redis.expire(trending.key(platform), 900);
  }
}
const trendingNow = (platform: string) => harness.redis.lrange(trending.key(platform), 0, -1);

describe('video events', () => {
  test('from before an erasure do not bring back the content of the KOL', async () => {
    const admin = createCacheAdmin(harness.redis);
    await writeTrending();
    await admin.eraseKol('erased');
    await withVideoLoop(async (loop) => {
      const event_time = new Date(Date.now() - 60_000).toISOString();
      const ahead = new Date(Date.now() + 3 * 60_000).toISOString();
      const counts = { views_raw: '1000', likes_raw: '900' };
      await sendAndWait(loop, [
        video('of-erased', { username: 'erased', event_time, ...counts }),
        video('of-another', { username: 'another', event_time, ...counts }),
        // Received before the erasure, from a scraper whose clock is ahead.
        {
          ...video('of-erased-2', { username: 'erased', event_time: ahead, ...counts }),
          timestamp: String(Date.now() - 60_000),
        },
      ]);
    });
    const ofErased = [content.key('of-erased'), content.key('of-erased-2'), engagement.key('erased')];
    expect(await harness.redis.exists(...ofErased)).toBe(0);
    expect(await harness.redis.exists(content.key('of-another'), engagement.key('another'))).toBe(2);
    expect(await trendingNow('tiktok')).not.toContain('of-erased');
  });

  test('refresh content:detail with the counts of the event and the other fields of the lakehouse', async () => {
    const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const [[id, title, duration] = []] = await queryTrino(
      TRINO_URL,
      `SELECT content_id, title, duration_seconds FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_content
       WHERE platform = 'tiktok' AND title IS NOT NULL AND duration_seconds IS NOT NULL ORDER BY content_id LIMIT 1`,
    );
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [
        video(String(id), { view_count_raw: '1.3M', like_count: 1300, comment_raw: '1,000' }),
      ]);
    });
    expect(await detail(String(id))).toMatchObject({
      title,
      duration_seconds: duration,
      views: 1_300_000,
      likes: 1300,
      comments: 1000,
    });
    expect(await harness.redis.ttl(content.key(String(id)))).toBeGreaterThan(1700);
  });

  // The next warm keeps a detail of a newer event, so an old description would stay for as long as events come.
  test('keep the description of a row that a warm has written since the row was looked up', async () => {
    const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const [[id] = []] = await queryTrino(
      TRINO_URL,
      `SELECT content_id FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_content
       WHERE platform = 'tiktok' AND title IS NOT NULL ORDER BY content_id DESC LIMIT 1`,
    );
    const contentId = String(id);
    const now = Date.now();
    const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [video(contentId, { view_count: 10, event_time: at(60) })]);
      const row = { ...(await detail(contentId)), title: 'A newer title', processed_at: at(30) };
      const readAt = await readRedisTime(harness.redis);
      expect((await writeContentRows(harness.redis, [row], readAt)).written).toBe(1);
      await sendAndWait(loop, [video(contentId, { view_count: 20, event_time: at(2) })]);
      expect(await detail(contentId)).toMatchObject({ title: 'A newer title', views: 20 });
      await sendAndWait(loop, [video(contentId, { view_count: 30, event_time: at(1) })]);
      expect(await detail(contentId)).toMatchObject({ title: 'A newer title', views: 30 });
    });
  });

  test('that are older than the cached detail change nothing', async () => {
    const now = Date.now();
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [
        video('new-video', { view_count: 20, event_time: new Date(now).toISOString() }),
      ]);
      await sendAndWait(loop, [
        video('new-video', { view_count: 10, event_time: new Date(now - 1000).toISOString() }),
      ]);
    });
    expect((await detail('new-video')).views).toBe(20);
  });

  test('take the counts that they lack from the event before, then from the lakehouse', async () => {
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [video('new-video', { view_count: 20, like_count: 2 })]);
      await sendAndWait(loop, [video('new-video', { view_count: 40 })]);
    });
    expect(await detail('new-video')).toMatchObject({
      views: 40,
      likes: 2,
      comments: null,
      engagement_rate: 5,
    });
  });

  test('move trending content to its new heat between warms, and add new content', async () => {
    await writeTrending();
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [
        video('warm-10', { view_count: 5, like_count: 4 }), // heat 45: second
        video('brand-new', { view_count: 35 }), // the lakehouse does not have it, so it is new: fourth
      ]);
    });
    const expected = ['warm-50', 'warm-10', 'warm-40', 'brand-new', 'warm-30', 'warm-20'];
    expect(await trendingNow('tiktok')).toEqual(expected);
    expect(await trendingNow('all')).toEqual(expected);
    expect(await trendingNow('youtube')).toEqual([]);
    const ttl = await harness.redis.ttl(trending.key('tiktok'));
    expect(ttl).toBeGreaterThan(800);
    expect(ttl).toBeLessThanOrEqual(900);
  });

  test('of old content do not enter trending, however high its heat', async () => {
    await writeTrending();
    const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const [[old] = []] = await queryTrino(
      TRINO_URL,
      `SELECT content_id FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_content WHERE platform = 'tiktok'
       AND from_iso8601_timestamp(posted_at) < current_timestamp - INTERVAL '3' DAY ORDER BY content_id LIMIT 1`,
    );
    await withVideoLoop(async (loop) => sendAndWait(loop, [video(String(old), { view_count: 1_000_000 })]));
    expect(await trendingNow('tiktok')).not.toContain(old);
  });

  test('store the engagement of their KOL, and invalid ones become dead letters', async () => {
    await withVideoLoop(async (loop) => {
      await sendAndWait(loop, [
        video('v-1', { username: 'ana', view_count: 200, like_count: 10, comment_count: 4, share_count: 6 }),
        video('v-2', { view_count: 'many' }),
      ]);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: 1, deadLetters: 1 });
    });
    expect(await harness.redis.hgetall('kol:engagement:ana')).toMatchObject({
      content_id: 'v-1',
      engagement_rate: '10',
    });
  });
});

describe('video events while the lakehouse does not answer', () => {
  let worker: LoopHarness;
  beforeAll(async () => {
    await harness.stopWorker(); // it has a lakehouse, and serves the same queues
    worker = await loopHarness(7, { env: { TRINO_URL: `http://${UNREACHABLE_ADDRESS}` } });
  });
  afterAll(() => worker.close());

  const row = {
    ...contentOf('warm-10', 5, '2026-01-01T00:00:00Z'),
    ...{
      kol_id: '42',
      title: 'The title',
      description: 'About it',
      likes: 4,
      hashtags: 'a,b',
      source: 'scraper',
    },
  };

  test('change only the values that they have, and the next warm keeps these', async () => {
    await writeContentRows(harness.redis, [row], await readRedisTime(harness.redis));
    await withVideoLoop(
      (loop) => sendAndWait(loop, [video('warm-10', { username: 'zoe', caption: 'Hi', view_count: 20 })]),
      worker,
    );
    const after = await detail('warm-10');
    const said = { platform: 'tiktok', content_type: 'video', views: 20, engagement_rate: 20 };
    expect(after).toEqual({ ...row, ...said, processed_at: after.processed_at });
    expect((await writeContentRows(harness.redis, [row], await readRedisTime(harness.redis))).written).toBe(
      0,
    );
    expect(await detail('warm-10')).toEqual(after);
  });

  test('move trending content whose counts are all known, and leave the rest where it is', async () => {
    await writeTrending();
    await writeContentRows(harness.redis, [row], await readRedisTime(harness.redis));
    await withVideoLoop(
      (loop) =>
        sendAndWait(loop, [
          video('warm-10', { view_count: 5 }), // heat 45 with the cached likes: second
          video('warm-20', { view_count: 1000 }), // its likes are not known
          video('brand-new', { view_count: 1000, like_count: 1 }), // may be old
        ]),
      worker,
    );
    expect(await trendingNow('all')).toEqual(['warm-50', 'warm-10', 'warm-40', 'warm-30', 'warm-20']);
  });

  test('create the detail of an item that is not cached, and a warm adds its row', async () => {
    await withVideoLoop(
      (loop) => sendAndWait(loop, [video('warm-10', { caption: 'Hi', view_count: 20 })]),
      worker,
    );
    expect(await detail('warm-10')).toMatchObject({
      title: 'Hi',
      views: 20,
      likes: null,
      engagement_rate: null,
    });
    await writeContentRows(harness.redis, [row], await readRedisTime(harness.redis));
    expect(await detail('warm-10')).toMatchObject({
      title: 'The title',
      views: 20,
      likes: 4,
      hashtags: 'a,b',
    });
  });
});
