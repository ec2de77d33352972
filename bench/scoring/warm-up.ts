import { STARTUP_WARM_ID } from '../../contract/workflow-ids.ts';
import { runBacklog } from './run-backlog.ts';
import type { Scoring } from './start-scoring.ts';

const ROUNDS = 20;

/** Waits for the worker's startup warm, which takes half of the machine, and scores some events, so that the code is compiled. */
export async function warmUp(scoring: Scoring): Promise<void> {
  console.log('Warming up …');
  await scoring.temporal.workflow.getHandle(STARTUP_WARM_ID).result();
  await runBacklog(scoring, 2000, { maxOffsets: 1000 });
  for (let round = 0; round < ROUNDS; round += 1) await runBacklog(scoring, 58);
}
