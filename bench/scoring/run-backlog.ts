import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import {
  configureLoopUpdate,
  loopStateQuery,
  pauseLoopUpdate,
  resumeLoopUpdate,
} from '../../contract/messages.ts';
import type { LoopSettings, LoopState } from '../../contract/scoring-loop.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { profileMessage } from './profile-message.ts';
import type { ScoringLoop } from './start-scoring.ts';

/** No run takes a tenth of this. */
const RUN_TIMEOUT_MS = 60_000;
const MESSAGES_PER_SEND = 2000;

/**
 * Collects a backlog while the loop is paused, and measures the time from the resume until every event has an outcome. The time comes
 * from the loop's own state: each query is a task for the worker, and frequent queries would slow down what they measure.
 */
export async function runBacklog(
  { loop, producer }: { readonly loop: ScoringLoop; readonly producer: Producer },
  count: number,
  settings: Partial<LoopSettings> = {},
): Promise<{ ms: number; state: LoopState }> {
  // Trigger `available`, because the run measures work and not the wait for a timer.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 'available', ...settings }] });
  await loop.executeUpdate(pauseLoopUpdate);
  while ((await loop.query(loopStateQuery)).state !== 'paused') await sleep(20);
  const before = countOutcomes(await loop.query(loopStateQuery));
  for (let sent = 0; sent < count; sent += MESSAGES_PER_SEND)
    await producer.send({
      topic: PROFILES_TOPIC,
      messages: Array.from({ length: Math.min(MESSAGES_PER_SEND, count - sent) }, (_, index) =>
        profileMessage(`bench-${sent + index}`),
      ),
    });
  const started = Date.now();
  await loop.executeUpdate(resumeLoopUpdate);
  for (;;) {
    const state = await loop.query(loopStateQuery);
    if (Date.now() > started + RUN_TIMEOUT_MS)
      throw new Error(`${count} events were not scored within a minute: ${JSON.stringify(state)}`);
    if (state.lastBatch !== null && countOutcomes(state) >= before + count)
      return { ms: state.lastBatch.plannedAtMs + state.lastBatch.durationMs - started, state };
    await sleep(200);
  }
}

/** @returns the number of events that the loop has handled */
export function countOutcomes({ totals }: LoopState): number {
  return totals.scored + totals.deadLetters + totals.late + totals.superseded;
}
