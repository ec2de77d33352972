import { setTimeout as sleep } from 'node:timers/promises';
import { configureLoopUpdate } from '../../contract/messages.ts';
import { DEFAULT_LOOP_SETTINGS } from '../../contract/scoring-loop.ts';
import { STARTUP_WARM_ID } from '../../contract/workflow-ids.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { runBacklog } from './run-backlog.ts';
import { sendProfiles } from './send-profiles.ts';
import type { Scoring } from './start-scoring.ts';

const ROUNDS = 20;

/** A fresh Kafka compiles its code for transactions for so long, which takes a third of its time; a broker in use has done that. */
const TRANSACTIONS = 2000;
const SMALL_BATCH = 10;

/** Waits for the worker's startup warm, which takes half of the machine, and scores some events, so that the code is compiled. */
export async function warmUp(scoring: Scoring): Promise<void> {
  console.log('Warming up …');
  await scoring.temporal.workflow.getHandle(STARTUP_WARM_ID).result();
  await scoring.loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: SMALL_BATCH }] });
  await runBacklog(scoring, TRANSACTIONS * SMALL_BATCH);
  await scoring.loop.executeUpdate(configureLoopUpdate, {
    args: [{ maxOffsets: DEFAULT_LOOP_SETTINGS.maxOffsets }],
  });
  await runBacklog(scoring, 10_000);
  for (let round = 0; round < ROUNDS; round += 1) {
    const wanted = scoring.commits.count(PROFILES_TOPIC) + 58;
    await sendProfiles(scoring.producer, PROFILES_TOPIC, 58);
    await scoring.commits.reach(PROFILES_TOPIC, wanted);
    await sleep(50);
  }
}
