import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Producer } from 'kafkajs';
import { configureLoopUpdate, loopStateQuery } from '../../contract/messages.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { percentile } from '../figures.ts';
import { historyFigure } from './history-figure.ts';
import { profileMessage } from './profile-message.ts';
import { countOutcomes } from './run-backlog.ts';
import type { Scoring } from './start-scoring.ts';

const EVENTS_PER_SECOND = 20;
const IDLE_ROUNDS = 30;

/** Latencies of a steady stream and of single events, and the history that they cost, with the trigger `available` and with timers. */
export async function measureLatencies(scoring: Scoring): Promise<void> {
  const { loop } = scoring;
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 'available', maxOffsets: 1000 }] });
  const { batches: before } = await loop.query(loopStateQuery);
  await measureReadable(scoring, 'available', 20, 500);
  const { batches: after } = await loop.query(loopStateQuery);
  scoring.figure(await historyFigure(loop, 'at 20/s, trigger available', after - before));
  await measureIdle(scoring);

  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 10, maxOffsets: 1000 }] });
  await measureReadable(scoring, 10, 45, 11_000);

  // History with trigger 2: with trigger 10 there would be few batches to count, and each batch costs the same.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 2 }] });
  await collectLatencies(scoring, 40);
  scoring.figure(await historyFigure(loop, 'at 20/s, trigger 2', 18));
}

async function measureReadable(
  scoring: Scoring,
  trigger: 'available' | number,
  seconds: number,
  maxMs: number,
): Promise<void> {
  const latencies = await collectLatencies(scoring, seconds);
  scoring.figure({
    what: `produce → readable in Redis at ${EVENTS_PER_SECOND}/s, trigger ${trigger}: p50, p99`,
    value: `${percentile(latencies, 50)} ms, ${percentile(latencies, 99)} ms`,
    against: `p99 wanted ≤ ${maxMs} ms`,
    ratio: percentile(latencies, 99) / maxMs,
  });
}

/** Sends at a steady rate and polls Redis for each score. @returns milliseconds from produce to readable, one per event */
async function collectLatencies(
  { producer, redis }: { readonly producer: Producer; readonly redis: Redis },
  seconds: number,
): Promise<number[]> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const prefix = `lat-${Date.now()}`;
  let sending = true;
  const poll = async () => {
    while (sending || sentAt.size > 0) {
      const ids = [...sentAt.keys()];
      const scores = ids.length === 0 ? [] : await redis.mget(ids.map((id) => score.key(id)));
      scores.forEach((json, index) => {
        const id = ids[index] ?? '';
        if (json === null || (JSON.parse(json) as Score).kol_id !== id) return;
        latencies.push(performance.now() - (sentAt.get(id) ?? 0));
        sentAt.delete(id);
      });
      await sleep(5);
    }
  };
  const polling = poll();
  for (let index = 0; index < EVENTS_PER_SECOND * seconds; index += 1) {
    const id = `${prefix}-${index}`;
    sentAt.set(id, performance.now());
    void producer.send({ topic: PROFILES_TOPIC, messages: [profileMessage(id)] });
    await sleep(1000 / EVENTS_PER_SECOND);
  }
  sending = false;
  await polling;
  return latencies;
}

/** Sends single events to an idle loop: the time from the broker's acknowledgement until the batch is planned. */
async function measureIdle({ loop, producer, figure }: Scoring): Promise<void> {
  const delays: number[] = [];
  for (let round = 0; round < IDLE_ROUNDS; round += 1) {
    const before = countOutcomes(await loop.query(loopStateQuery));
    // A random delay, so that events arrive in every phase of the idle loop.
    await sleep(700 + Math.random() * 500);
    await producer.send({ topic: PROFILES_TOPIC, messages: [profileMessage(`noticed-${round}`)] });
    const sent = Date.now();
    let state = await loop.query(loopStateQuery);
    while (countOutcomes(state) === before) {
      await sleep(20);
      state = await loop.query(loopStateQuery);
    }
    delays.push(Math.max(0, (state.lastBatch?.plannedAtMs ?? Number.NaN) - sent));
  }
  figure({
    what: `idle, trigger available: one event produced → batch planned (of ${delays.length}): p50, most`,
    value: `${percentile(delays, 50)} ms, ${Math.max(...delays)} ms`,
    against: 'wanted ≤ 100 ms',
    ratio: Math.max(...delays) / 100,
  });
}
