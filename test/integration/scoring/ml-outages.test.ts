import { once } from 'node:events';
import type { Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RecordReader } from '../../../clients/kafka/record-reader.ts';
import { createMlService } from '../../../simulators/ml-service/server.ts';
import { cachedScore } from '../../support/cache-values.ts';
import { event, loopHarness, outcomeCount, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { readDeadLetters, readScoredKols, testRecordReader } from '../../support/scoring-outputs.ts';
import { until } from '../../support/until.ts';

const LATENCY_MS = 5;
const TIMEOUT_SECONDS = 1;
let harness: LoopHarness;
let reader: RecordReader;
/** The ML service that replaces the stopped one. */
let restarted: Server | undefined;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(6, {
    latencyMs: LATENCY_MS,
    env: { ML_API_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS) },
  });
  reader = testRecordReader(harness);
});
afterAll(async () => {
  await Promise.all([harness.close(), reader.close()]);
  restarted?.closeAllConnections();
  restarted?.close();
});
beforeEach(async () => {
  await harness.ml.setFaults({});
  topic = await harness.newTopic();
});

const deadLetters = () => readDeadLetters(reader, topic);

describe('the loop waits for an ML API that', () => {
  const LONGER_THAN_AN_ATTEMPT_MS = 2500;
  /** KOLs by topic that must be in scores.stream in the end. */
  const expected: Record<string, string[]> = {};

  /** Sends profiles while the service fails. They have no outcome until `repair` resolves, and then all are scored. */
  async function expectLoopWaits(name: string, repair: () => Promise<unknown>): Promise<void> {
    const usernames = [`${name}-1`, `${name}-2`, `${name}-3`];
    await harness.withLoop(topic, async (loop) => {
      await harness.producer.send({ topic, messages: usernames.map((id) => event('profiles', id)) });
      await new Promise((resolve) => setTimeout(resolve, LONGER_THAN_AN_ATTEMPT_MS));
      expect((await stateOf(loop)).totals).toMatchObject({ batches: 0 });
      expect(await deadLetters()).toEqual([]);
      await repair();
      await until('all have an outcome', async () => (await outcomeCount(loop)) === usernames.length);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: usernames.length, deadLetters: 0 });
    });
    expect(await deadLetters()).toEqual([]);
    expected[topic] = usernames;
    for (const username of usernames)
      expect(await cachedScore(harness.redis, username)).toMatchObject({ kol_id: username });
  }

  test.each([
    ['returns status 500', 'status-500', { status: 500 }],
    ['returns status 429', 'status-429', { status: 429 }],
    ['has no backend behind its ingress', 'status-404', { status: 404 }],
    ['does not accept the credentials', 'status-401', { status: 401 }],
    ['redirects to a login page', 'status-302', { status: 302 }],
    ['is slower than the timeout', 'slow', { latency_ms: TIMEOUT_SECONDS * 1000 + 2000 }],
    ['returns invalid bodies', 'garbage', { garbage: true }],
  ])('%s, and loses no event', async (_fault, name, faults) => {
    await harness.ml.setFaults(faults);
    await expectLoopWaits(name, () => harness.ml.setFaults({}));
  });

  test('refuses connections, and loses no event', async () => {
    await harness.ml.stop();
    await expectLoopWaits('refused', async () => {
      restarted = createMlService({ latencyMs: LATENCY_MS, faults: true });
      restarted.listen(Number(new URL(harness.ml.url).port), '127.0.0.1');
      await once(restarted, 'listening');
    });
  });

  test('fails because of one profile only for that one, and the others are scored', async () => {
    await harness.ml.setFaults({ crash: ['crashing'] });
    const scored = ['well-1', 'well-2', 'well-3'];
    await harness.withLoop(topic, async (loop) => {
      const messages = [...scored, 'crashing'].map((id) => ({ ...event('profiles', id), partition: 0 }));
      await harness.producer.send({ topic, messages });
      await until('all have an outcome', async () => (await outcomeCount(loop)) === messages.length);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: scored.length, deadLetters: 1 });
    });
    const [letter] = await deadLetters();
    expect(letter?.reason).toBe('rejected_by_model');
    expect(String(letter?.key)).toBe('crashing');
    expect(letter?.message).toContain('HTTP 500');
    expected[topic] = scored;
  });

  test('failed in any of these ways, and writes each score once', async () => {
    expect(await readScoredKols(harness)).toMatchObject(expected);
  });
});
