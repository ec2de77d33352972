import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { percentile, perSecond } from '../figures.ts';
import { bareScoring } from './bare-scoring.ts';
import { historyFigure } from './history-figure.ts';
import { runBacklog } from './run-backlog.ts';
import { ML_CONCURRENCY, type Scoring } from './start-scoring.ts';

const ROUNDS = 5;

/** The throughput with a backlog, with an ML service that responds immediately. Leaves the ML latency at 0. */
export async function measureBacklogs(scoring: Scoring, backlog: number): Promise<void> {
  const { loop, figure, setMlFaults } = scoring;
  await setMlFaults({ latency_ms: 0 });
  for (const maxOffsets of [1000, 5000]) {
    await runBacklog(scoring, backlog, { maxOffsets }); // the code for batches of this size is compiled first
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      rates.push(perSecond(backlog, (await runBacklog(scoring, backlog)).ms));
    figure({
      what: `${backlog} events of backlog, ML 0 ms, batches of ${maxOffsets}: median of ${ROUNDS}, least`,
      value: `${percentile(rates, 50)}/s, ${Math.min(...rates)}/s`,
      against: 'wanted ≥ 5000/s',
      ratio: percentile(rates, 50) / 5000,
    });
    if (maxOffsets === 1000)
      figure(await historyFigure(loop, 'with a backlog', (ROUNDS * backlog) / maxOffsets));
  }
}

/** The baseline of the backlogs: a bare client, with the ML latency at 0. Restores the ML latency. */
export async function measureBareScoring(scoring: Scoring, backlog: number): Promise<void> {
  const { kafka, redis, mlUrl, figure, setMlFaults } = scoring;
  const ms = await bareScoring({
    kafka,
    redis,
    mlUrl,
    topic: PROFILES_TOPIC,
    events: backlog,
    concurrency: ML_CONCURRENCY,
  });
  figure({
    what: `the same work bare: no plan, no fence, no ledger, no Temporal`,
    value: `${perSecond(backlog, ms)}/s`,
    against: 'baseline of this run',
  });
  await setMlFaults({});
}
