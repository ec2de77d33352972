import { percentile } from '../figures.ts';
import { runBacklog } from './run-backlog.ts';
import { ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

const ROUNDS = 10;

/** The duration of a batch of 58 events, of which the ML call takes 50 ms. */
export async function measureSmallBatches(scoring: Scoring): Promise<void> {
  const durations: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    durations.push((await runBacklog(scoring, 58)).state.lastBatch?.durationMs ?? Number.NaN);
  scoring.figure({
    what: `58 events, ML ${ML_LATENCY_MS} ms, plan to commit (median of ${ROUNDS})`,
    value: `${percentile(durations, 50)} ms`,
    against: '≤ 300 ms; the ML call alone is 50 ms',
    ratio: percentile(durations, 50) / ML_LATENCY_MS,
  });
}
