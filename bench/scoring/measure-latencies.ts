import { setTimeout as sleep } from 'node:timers/promises';
import { configureLoopUpdate, resumeLoopUpdate } from '../../contract/messages.ts';
import type { LoopSettings } from '../../contract/scoring-loop.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { median, percentile } from '../figures.ts';
import { profileMessage } from './profile-message.ts';
import { sendProfiles } from './send-profiles.ts';
import { ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

const SMALL_BATCHES = 30;
const SMALL_BATCH = 58;
const EVENTS_PER_SECOND = 20;
const POLL_MS = 5;

/** From the acknowledgement of a few events to the commit of the last of them, with an idle loop. */
export async function measureSmallBatches(scoring: Scoring): Promise<void> {
  const { producer, commits, figure } = scoring;
  await setTrigger(scoring, 'available');
  const durations: number[] = [];
  for (let round = 0; round < SMALL_BATCHES; round += 1) {
    await sleep(200 + Math.random() * 300);
    const wanted = commits.count(PROFILES_TOPIC) + SMALL_BATCH;
    await sendProfiles(producer, PROFILES_TOPIC, SMALL_BATCH);
    const acknowledged = performance.now();
    durations.push((await commits.reach(PROFILES_TOPIC, wanted)) - acknowledged);
  }
  figure({
    what: `${SMALL_BATCH} events, ML ${ML_LATENCY_MS} ms, acknowledged → a read-committed reader sees the last commit: median of ${SMALL_BATCHES}, p90`,
    value: `${Math.round(median(durations))} ms, ${percentile(durations, 90)} ms`,
    against: 'goal ≤ 130 ms',
    ratio: median(durations) / 130,
  });
}

/** From produce to readable in Redis with a steady stream, as soon as there is data and with a timed trigger. */
export async function measureSteadyStream(scoring: Scoring): Promise<void> {
  await setTrigger(scoring, 'available');
  const latencies = await collectLatencies(scoring, 120);
  const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
  const what = `produced → readable in Redis at ${EVENTS_PER_SECOND}/s`;
  scoring.figure({ what: `${what}, p50`, value: `${p50} ms`, against: 'goal ≤ 100 ms', ratio: p50 / 100 });
  scoring.figure({ what: `${what}, p99`, value: `${p99} ms`, against: 'goal ≤ 200 ms', ratio: p99 / 200 });

  const trigger = 10;
  await setTrigger(scoring, trigger);
  const timed = percentile(await collectLatencies(scoring, 60), 99);
  const goal = trigger * 1000 + 300;
  scoring.figure({
    what: `${what}, trigger ${trigger} s, p99`,
    value: `${timed} ms`,
    against: `goal ≤ ${goal} ms`,
    ratio: timed / goal,
  });
}

async function setTrigger({ loop }: Scoring, trigger: LoopSettings['trigger']): Promise<void> {
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger }] });
  await loop.executeUpdate(resumeLoopUpdate);
  await sleep(1000); // the new slices begin
}

/** Sends at a steady rate and polls Redis for each score. @returns milliseconds from produce to readable, one per event */
async function collectLatencies({ producer, redis }: Scoring, seconds: number): Promise<number[]> {
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
      await sleep(POLL_MS);
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
