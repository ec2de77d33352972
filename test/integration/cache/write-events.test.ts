import { expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { mergeContentEvents, writeContentRows } from '../../../cache/writing/write-content.ts';
import { writeEngagement } from '../../../cache/writing/write-engagement.ts';
import { writeScores } from '../../../cache/writing/write-scores.ts';
import { updateTrending } from '../../../cache/writing/write-trending.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { score } from '../../../domain/entities/score.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import { trending } from '../../../domain/entities/trending.ts';
import type { EventSource } from '../../../domain/kafka-location.ts';
import { STREAM_ONLY } from '../../../domain/scoring/refresh-content.ts';
import { inChunks } from '../../../domain/values/lists.ts';
import { cachedScore, contentOf, idsOf, NOW, scoreAt, scoresAt } from '../../support/cache-values.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { keysWithoutTtl } from '../../support/redis.ts';

const videos = idsOf(90, 'video-');
/** NOW as the time of Redis at which a read began. */
const NOW_MICROS = NOW.getTime() * 1000;
const sourceAt = (offset: number, source: Partial<EventSource> = {}): EventSource => ({
  ...{ topic: 'kol.videos.raw', partition: 0, offset },
  ...source,
});
const contentEvents = (eventTimeMs: number, views: number, source = sourceAt(1)) =>
  videos.map((id) => ({ content_id: id, views, event_time_ms: eventTimeMs, source }));
/** Writes details with only the views. @returns how many were written */
const writeContentEvents = async (redis: RedisClient, events: ReturnType<typeof contentEvents>) =>
  (await mergeContentEvents(redis, events, ({ content_id, views }) => contentOf(content_id, views), NOW))
    .length;
const contentRows = (processedAtMs: number) =>
  videos.map((id) => contentOf(id, 30, new Date(processedAtMs).toISOString()));

/** Sources of events of the same time as one at sourceAt(1), and whether each is written over the one before. */
const atTheSameTime: readonly (readonly [EventSource, boolean])[] = [
  [sourceAt(5), true],
  [sourceAt(4), false],
  [sourceAt(5), true],
  // Another attempt at the same record
  [sourceAt(5, { fenced_at_ms: 1000 }), true],
  [sourceAt(5, { fenced_at_ms: 999 }), false],
  [sourceAt(5), false],
  [sourceAt(5, { fenced_at_ms: 1000 }), true],
  [sourceAt(5, { fenced_at_ms: 1001 }), true],
  [sourceAt(4, { fenced_at_ms: 1002 }), false],
  [sourceAt(6, { fenced_at_ms: 900 }), true],
  // Offsets of other partitions and topics do not compare
  [sourceAt(2, { partition: 1 }), true],
  [sourceAt(1, { partition: 1 }), false],
  [sourceAt(1), true],
  [sourceAt(0, { topic: 'other' }), true],
];

describeOnRedisAndCluster('writing what events say', (target) => {
  test('keeps the newest score of each KOL when two writers write thousands in any order', async () => {
    const { redis, url } = target;
    const kols = idsOf(60);
    // Two events have the same time; their offsets decide.
    const scores = kols.flatMap((id) =>
      Array.from({ length: 50 }, (_, version) => scoreAt(id, 1000 + Math.floor(version / 2), version)),
    );
    const shuffled = scores
      .map((value) => ({ value, rank: Math.random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ value }) => value);
    const writers = await Promise.all([connectTo(url), connectTo(url)]);
    try {
      await Promise.all(
        writers.map(async (writer, index) => {
          const share = shuffled.filter((_, position) => position % 2 === index);
          for (const batch of inChunks(share, 75)) await writeScores(writer, batch);
        }),
      );
    } finally {
      await Promise.all(writers.map(closeRedis));
    }
    for (const id of kols)
      expect(await cachedScore(redis, id)).toMatchObject({ event_time_ms: 1024, source: { offset: 49 } });
    expect(await keysWithoutTtl(redis)).toEqual([]);
    expect(await writeScores(redis, scores)).toBe(kols.length); // the newest again; all others are refused
    expect(await writeScores(redis, scoresAt(kols, null))).toBe(0);
  });

  test('compares scores of the same time by offset and attempt only within a partition', async () => {
    const { redis } = target;
    const write = (source: EventSource, timeMs = 1000) =>
      writeScores(redis, [scoreAt('kol-1', timeMs, source.offset, source)]);
    expect(await write(sourceAt(1))).toBe(1);
    for (const [source, written] of atTheSameTime) {
      expect(await write(source)).toBe(written ? 1 : 0);
      if (written) expect((await cachedScore(redis, 'kol-1'))?.source).toEqual(source);
    }
    expect(await write(sourceAt(9, { fenced_at_ms: 2000 }), 999)).toBe(0);
    expect(await write(sourceAt(0, { partition: 7 }), 1001)).toBe(1);
  });

  test('replaces a key that holds no score of an event', async () => {
    const { redis } = target;
    const key = score.key('kol-1');
    for (const json of ['text', '[]', 'null', JSON.stringify(scoreAt('kol-1', null))]) {
      await redis.set(key, json, 'EX', 60);
      expect(await writeScores(redis, [scoreAt('kol-1', 1)])).toBe(1);
    }
    await redis.del(key);
    await redis.hset(key, { of: 'another type' });
    expect(await writeScores(redis, [scoreAt('kol-1', 1)])).toBe(1);
    expect(await writeScores(redis, [{ ...scoreAt('kol-1', 2), source: null }])).toBe(1);
  });

  test('compares video details of the same time by offset and attempt only within a partition', async () => {
    const { redis } = target;
    expect(await writeContentEvents(redis, contentEvents(2000, 1))).toBe(90);
    for (const [source, written] of atTheSameTime)
      expect(await writeContentEvents(redis, contentEvents(2000, 2, source))).toBe(written ? 90 : 0);
  });

  test('replaces video details only with newer events and with rows that are not older', async () => {
    const { redis } = target;
    const views = async () =>
      (await Promise.all(videos.map((id) => redis.hget(content.key(id), 'views')))).map(Number);
    expect(await writeContentEvents(redis, contentEvents(2000, 20))).toBe(90);
    expect(await writeContentEvents(redis, contentEvents(1000, 10))).toBe(0);
    expect(await writeContentRows(redis, contentRows(1999), NOW_MICROS)).toMatchObject({
      written: 0,
      kept: 90,
    });
    expect(new Set(await views())).toEqual(new Set([20]));
    expect((await writeContentRows(redis, contentRows(2001).slice(0, 45), NOW_MICROS)).written).toBe(45);
    expect(await views()).toEqual(videos.map((_, index) => (index < 45 ? 30 : 20)));
  });

  test('merges each event into the cached detail, and loses none of two writers', async () => {
    const { redis, url } = target;
    const writers = await Promise.all([connectTo(url), connectTo(url)]);
    let written = 0;
    try {
      await Promise.all(
        writers.map(async (writer, index) => {
          for (let round = 0; round < 20; round += 1) {
            const events = contentEvents(1000, 0).map((event) => ({
              ...event,
              source: sourceAt(2 * round + index),
            }));
            const merged = await mergeContentEvents(
              writer,
              events,
              ({ content_id }, cached) => contentOf(content_id, (cached?.views ?? 0) + 1),
              NOW,
            );
            written += merged.length;
          }
        }),
      );
    } finally {
      await Promise.all(writers.map(closeRedis));
    }
    const views = await Promise.all(videos.map((id) => redis.hget(content.key(id), 'views')));
    expect(views.reduce((sum, count) => sum + Number(count), 0)).toBe(written);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('replaces a key that holds no detail', async () => {
    const { redis } = target;
    await redis.set(content.key('video-0'), 'text', 'EX', 60);
    await redis.hset(content.key('video-1'), { views: 'many' });
    expect(await writeContentEvents(redis, contentEvents(2000, 20))).toBe(90);
    expect(await redis.hget(content.key('video-0'), 'views')).toBe('20');
    expect(await redis.hget(content.key('video-1'), 'views')).toBe('20');
  });

  test('adds the row to a detail that has only values of events', async () => {
    const { redis } = target;
    const merge = ({ content_id }: { content_id: string }) => ({
      ...contentOf(content_id, 20),
      source: STREAM_ONLY,
    });
    await mergeContentEvents(redis, contentEvents(2000, 20), merge, NOW);
    const rows = contentRows(1999).map((row) => ({ ...row, title: 'A title', likes: 3, source: 'scraper' }));
    expect((await writeContentRows(redis, rows, NOW_MICROS)).written).toBe(90);
    const detail = {
      views: '20',
      likes: '3',
      title: 'A title',
      source: 'scraper',
      event_time_ms: '2000',
      row_time_ms: '1999',
    };
    expect(await redis.hgetall(content.key('video-7'))).toMatchObject(detail);
    expect((await writeContentRows(redis, rows, NOW_MICROS)).written).toBe(0); // now it is as any detail of a newer event
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('keeps the time of the row that describes a detail over the events that follow', async () => {
    const { redis } = target;
    const rowTimes = async (event_time_ms: number) => {
      const seen = new Set<number | undefined>();
      const events = contentEvents(event_time_ms, 20);
      await mergeContentEvents(
        redis,
        events,
        ({ content_id }, cached) => {
          seen.add(cached?.row_time_ms);
          return { ...contentOf(content_id, 20), row_time_ms: cached?.row_time_ms };
        },
        NOW,
      );
      return [...seen];
    };
    expect(await rowTimes(1000)).toEqual([undefined]);
    await writeContentRows(redis, contentRows(1500), NOW_MICROS);
    expect(await rowTimes(2000)).toEqual([1500]);
    expect(await rowTimes(3000)).toEqual([1500]);
  });

  test('replaces the engagement of a KOL only with a newer event', async () => {
    const { redis } = target;
    const engagements = (eventTimeMs: number, source = sourceAt(1)) =>
      videos.map((id) => ({
        engagement: { kol_id: id, content_id: id, engagement_rate: eventTimeMs },
        event_time_ms: eventTimeMs,
        source,
      }));
    expect(await writeEngagement(redis, engagements(5))).toBe(90);
    expect(await writeEngagement(redis, engagements(4))).toBe(0);
    for (const [source, written] of atTheSameTime)
      expect(await writeEngagement(redis, engagements(5, source))).toBe(written ? 90 : 0);
    expect(await redis.hget(engagement.key('video-7'), 'engagement_rate')).toBe('5');
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('replaces a value of a newer event that none of our writers can have written', async () => {
    const { redis } = target;
    const source = sourceAt(1);
    const keys = {
      score: score.key('a'),
      content: content.key(videos[0] ?? ''),
      engagement: engagement.key('a'),
    };
    /** Writes one value of each kind. @returns how many were written */
    const write = async (timeMs: number) => {
      const rate = {
        engagement: { kol_id: 'a', content_id: 'v', engagement_rate: 1 },
        event_time_ms: timeMs,
        source,
      };
      return [
        await writeScores(redis, [scoreAt('a', timeMs, 1, source)]),
        await writeContentEvents(redis, contentEvents(timeMs, 1).slice(0, 1)),
        await writeEngagement(redis, [rate]),
      ];
    };
    const minutes = (count: number) => Date.now() + count * 60_000;
    // An event may be 5 minutes ahead: it is ours, and stays.
    expect(await write(minutes(4))).toEqual([1, 1, 1]);
    expect(await write(minutes(0))).toEqual([0, 0, 0]);
    // Without a TTL it is not ours.
    for (const key of Object.values(keys)) await redis.persist(key);
    expect(await write(minutes(0))).toEqual([1, 1, 1]);
    expect(await keysWithoutTtl(redis)).toEqual([]);
    // Microseconds
    expect(await write(Date.now() * 1000)).toEqual([1, 1, 1]);
    expect(await write(minutes(0))).toEqual([1, 1, 1]);
    expect(await write(minutes(-1))).toEqual([0, 0, 0]);
    await write(minutes(30));
    expect(await writeContentRows(redis, contentRows(1000).slice(0, 1), NOW_MICROS)).toMatchObject({
      written: 1,
    });
  });

  test('moves items in the trending list of their platform and in the list of all platforms', async () => {
    const { redis } = target;
    for (const platform of ['all', 'tiktok', 'youtube']) {
      const items = [10, 9, 8].map((heat) => ({ content_id: `${platform}-${heat}`, heat }));
      const contentIds = items.map(({ content_id }) => content_id);
      await replaceSet(redis, trending.toHeatEntry(platform, items), 1);
      await replaceSet(redis, trending.toEntry(platform, contentIds), 1);
    }
    const move = (platform: string, heat: number) => ({ content_id: 'new', platform, heat, mayEnter: true });
    expect(await updateTrending(redis, [move('tiktok', 9.5), move('youtube', 1)])).toBe(4);
    const list = (platform: string) => redis.lrange(trending.key(platform), 0, -1);
    expect(await list('tiktok')).toEqual(['tiktok-10', 'new', 'tiktok-9', 'tiktok-8']);
    expect(await list('youtube')).toEqual(['youtube-10', 'youtube-9', 'youtube-8', 'new']);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });
});
