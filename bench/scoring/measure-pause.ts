import { setTimeout as sleep } from 'node:timers/promises';
import { configureLoopUpdate, pauseLoopUpdate, resumeLoopUpdate } from '../../contract/messages.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { median } from '../figures.ts';
import { sendProfiles } from './send-profiles.ts';
import { ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

const PAUSES = 20;
const EVENTS = 58;
const EVERY_MS = 200;

/** From the request to pause to its answer, while events arrive: batches are in flight most of the time. */
export async function measurePause({ loop, producer, figure }: Scoring): Promise<void> {
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 'available' }] });
  const feed = setInterval(() => void sendProfiles(producer, PROFILES_TOPIC, EVENTS), EVERY_MS);
  const durations: number[] = [];
  for (let round = 0; round < PAUSES; round += 1) {
    await loop.executeUpdate(resumeLoopUpdate);
    await sleep(1000 + Math.random() * 1000);
    const started = performance.now();
    await loop.executeUpdate(pauseLoopUpdate);
    durations.push(Math.round(performance.now() - started));
  }
  clearInterval(feed);
  await loop.executeUpdate(resumeLoopUpdate);
  const longest = Math.max(...durations);
  figure({
    what: `pause with ${EVENTS} events each ${EVERY_MS} ms, ML ${ML_LATENCY_MS} ms: median and longest of ${PAUSES}`,
    value: `${median(durations)} ms, ${longest} ms`,
    against: 'goal ≤ 2000 ms',
    ratio: longest / 2000,
  });
}
