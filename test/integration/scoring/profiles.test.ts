import type { Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import type { Score } from '../../../domain/entities/score.ts';
import { SCORES_TOPIC } from '../../../domain/scoring/output-record.ts';
import { readTopics, type PrintedRecord } from '../../support/read-topics.ts';
import { testDependencies } from '../../support/dependencies.ts';
import {
  outcomeCount,
  event,
  loopHarness,
  stateOf,
  type LoopHandle,
  type LoopHarness,
} from '../../support/loop-harness.ts';
import { queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';
import { startScoringWorker } from '../../support/worker.ts';

let harness: LoopHarness;
beforeAll(async () => {
  harness = await loopHarness(4);
});
afterAll(() => harness.close());
/** Each test has a topic and a loop of its own. Some run at the same time, because a loop waits most of the time. */
const loopTest = test.extend('topic', () => harness.newTopic());

const profile = (username: string, more: object = {}) =>
  event('profiles', username, { followers_raw: '11.3K', ...more });
const send = (topic: string, messages: Message[]) => harness.producer.send({ topic, messages });
const withLoop = (topic: string, work: (loop: LoopHandle) => Promise<void>) => harness.withLoop(topic, work);
const scoreOf = async (username: string): Promise<Score | null> =>
  JSON.parse((await harness.redis.get(`kol:score:${username}`)) ?? 'null') as Score | null;

/** The scores of this topic in scores.stream, as a read-committed reader other than kafkajs sees them. */
async function scoresStream(topic: string): Promise<{ record: PrintedRecord; score: Score }[]> {
  const records = await readTopics(harness.config.KAFKA_BROKERS.join(), SCORES_TOPIC);
  return records
    .map((record) => ({ record, score: JSON.parse(record.value) as Score }))
    .filter(({ score }) => score.source?.topic === topic);
}

describe('the scoring loop', () => {
  loopTest.concurrent(
    'scores each profile event once, in Redis and in scores.stream with the KOL as key',
    async ({ topic }) => {
      await withLoop(topic, async (loop) => {
        await send(
          topic,
          Array.from({ length: 200 }, (_, index) => profile(`kol-${index}`)),
        );
        await until('200 have an outcome', async () => (await outcomeCount(loop)) === 200);
      });
      const stream = await scoresStream(topic);
      expect(stream.map(({ record }) => record.key).sort()).toEqual(
        Array.from({ length: 200 }, (_, index) => `kol-${index}`).sort(),
      );
      const cached = await scoreOf('kol-7');
      const streamed = stream.find(({ record }) => record.key === 'kol-7')?.score;
      expect(cached).toMatchObject({
        kol_id: 'kol-7',
        platform: 'tiktok',
        trust_score: streamed?.trust_score,
      });
      expect(cached?.trust_label).toBe(cached?.risk_level);
      expect(await harness.redis.ttl('kol:score:kol-7')).toBeGreaterThan(3500);
    },
  );

  loopTest.concurrent(
    'scores an event from before an erasure, but does not bring the erased KOL back to Redis',
    async ({ topic }) => {
      const admin = createCacheAdmin(harness.redis);
      await withLoop(topic, async (loop) => {
        await send(topic, [profile('erased'), profile('kept')]);
        await until('both are scored', async () => (await outcomeCount(loop)) === 2);
        await admin.eraseKol('erased');
        const event_time = new Date(Date.now() - 60_000).toISOString();
        await send(topic, [profile('erased', { event_time }), profile('another', { event_time })]);
        await until('both are scored', async () => (await outcomeCount(loop)) === 4);
        expect(await scoreOf('erased')).toBeNull();
        expect(await scoreOf('another')).not.toBeNull();
        // Received before the erasure, from a scraper whose clock is ahead.
        const ahead = new Date(Date.now() + 3 * 60_000).toISOString();
        const timestamp = String(Date.now() - 60_000);
        await send(topic, [{ ...profile('erased', { event_time: ahead }), timestamp }]);
        await until('it is scored', async () => (await outcomeCount(loop)) === 5);
        expect(await scoreOf('erased')).toBeNull();
        await send(topic, [profile('erased')]);
        await until('it is scored', async () => (await outcomeCount(loop)) === 6);
        expect(await scoreOf('erased')).not.toBeNull();
      });
      const erased = (await scoresStream(topic)).filter(({ record }) => record.key === 'erased');
      expect(erased).toHaveLength(4);
    },
  );

  loopTest.concurrent(
    'turns unreadable records into dead letters with the original bytes and the reason, and continues',
    async ({ topic }) => {
      await withLoop(topic, async (loop) => {
        await send(topic, [
          profile('good-1'),
          { key: 'a', value: '{"broken' },
          { key: 'b', value: null },
          profile('bad-count', { followers_raw: '1.2.3K' }),
          { key: 'c', value: JSON.stringify({ platform: 'tiktok' }) },
          profile('good-2'),
        ]);
        await until('all 6 have an outcome', async () => (await outcomeCount(loop)) === 6);
        expect((await stateOf(loop)).totals).toMatchObject({ records: 6, scored: 2, deadLetters: 4 });
      });
      const letters = await readTopics(harness.config.KAFKA_BROKERS.join(), `${topic}.dlq`);
      const reasons = Object.fromEntries(
        letters.map(({ key, headers }) => [key, headers['__connect.errors.exception.class.name']]),
      );
      expect(reasons).toEqual({
        a: 'not_json',
        b: 'tombstone',
        'bad-count': 'invalid_count',
        c: 'missing_id',
      });
      const broken = letters.find(({ key }) => key === 'a');
      expect(broken?.value).toBe('{"broken');
      expect(broken?.headers).toMatchObject({ '__connect.errors.topic': topic });
    },
  );

  loopTest.concurrent(
    'keeps the newest of several events of a KOL; an older one changes nothing',
    async ({ topic }) => {
      const now = Date.now();
      const at = (ms: number) => ({ event_time: new Date(ms).toISOString() });
      await withLoop(topic, async (loop) => {
        await send(topic, [
          profile('ana', { ...at(now - 2000), followers_count: 1 }),
          profile('ana', { ...at(now - 1000), followers_count: 2 }),
          profile('ana', { ...at(now - 3000), followers_count: 3 }),
        ]);
        await until('all 3 have an outcome', async () => (await outcomeCount(loop)) === 3);
        expect((await scoreOf('ana'))?.event_time_ms).toBe(now - 1000);
        await send(topic, [profile('ana', at(now - 1500)), profile('ana', at(now - 10 * 60_000))]);
        await until('all 5 have an outcome', async () => (await outcomeCount(loop)) === 5);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 2, superseded: 3 });
      });
      expect((await scoreOf('ana'))?.event_time_ms).toBe(now - 1000);
    },
  );

  loopTest.concurrent('uses the features that the lakehouse has of the account', async ({ topic }) => {
    const { kol_id: known, platform } = await knownKol();
    await withLoop(topic, async (loop) => {
      // The first result of Trino may arrive after the deadline; it is cached for the next batch.
      await until('a score uses them', async () => {
        await send(topic, [profile(known, { platform })]);
        const before = await outcomeCount(loop);
        await until('it has an outcome', async () => (await outcomeCount(loop)) > before);
        return (await scoreOf(known))?.features_from === 'event+lakehouse';
      });
      // The same name on another platform is another account.
      await send(topic, [profile(known, { platform: 'elsewhere' })]);
      await until(
        'the other account has a score',
        async () => (await scoreOf(known))?.platform === 'elsewhere',
      );
      expect((await scoreOf(known))?.features_from).toBe('event');
    });
  });

  loopTest('waits for an ML API that is down and loses no event', async ({ topic }) => {
    await harness.ml.setFaults({ status: 503 });
    await withLoop(topic, async (loop) => {
      await send(topic, [profile('patient')]);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await outcomeCount(loop)).toBe(0);
      await harness.ml.setFaults({});
      await until('it is scored', async () => (await scoreOf('patient')) !== null);
      await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
    });
    expect(await scoresStream(topic)).toHaveLength(1);
  });

  loopTest(
    'continues without a gap or a duplicate after its worker was replaced and the loop was terminated',
    async ({ topic }) => {
      await withLoop(topic, async (loop) => {
        await send(topic, [profile('before')]);
        await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
      });
      await harness.stopWorker();
      await send(topic, [profile('between-1'), profile('between-2')]);
      const other = await testDependencies(harness.config);
      const stopOther = await startScoringWorker(harness.config, other.activities);
      try {
        const loop = await harness.startLoop(topic);
        await until('both have an outcome', async () => (await outcomeCount(loop)) === 3); // Kafka has the counts
        await loop.terminate();
      } finally {
        await stopOther();
        await other.close();
      }
      // Back to the first worker.
      await withLoop(topic, async (loop) => {
        await send(topic, [profile('before'), profile('between-1'), profile('between-2'), profile('after')]);
        await until('all 4 have an outcome', async () => (await outcomeCount(loop)) === 7);
      });
      const keys = (await scoresStream(topic)).map(({ record }) => record.key).sort();
      expect(keys).toEqual(['after', 'before', 'before', 'between-1', 'between-1', 'between-2', 'between-2']);
    },
  );
});

/** A KOL of kol_trust_features. */
async function knownKol(): Promise<{ readonly kol_id: string; readonly platform: string }> {
  const rows = await queryTrino(
    harness.config.TRINO_URL,
    `SELECT kol_id, platform FROM ${harness.config.TRINO_CATALOG}.${harness.config.TRINO_SCHEMA}.kol_trust_features ORDER BY kol_id LIMIT 1`,
  );
  return { kol_id: String(rows[0]?.[0]), platform: String(rows[0]?.[1]) };
}
