import { perSecond } from '../figures.ts';
import { bareSingleCalls } from './bare-single-calls.ts';
import { runBacklog } from './run-backlog.ts';
import { ML_CONCURRENCY, ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

/** The throughput with an ML service that has no batch endpoint, compared with the theoretical limit and with a bare client. */
export async function measureSingleCalls(scoring: Scoring, backlog: number): Promise<void> {
  const { figure, mlUrl, setMlFaults } = scoring;
  await setMlFaults({ batch: false });
  await runBacklog(scoring, 1000, { maxOffsets: 1000 });
  const rate = perSecond(backlog, (await runBacklog(scoring, backlog)).ms);
  const limit = (ML_CONCURRENCY / ML_LATENCY_MS) * 1000;
  const bareCalls = backlog / 2;
  const bareMs = await bareSingleCalls({ mlUrl, calls: bareCalls, concurrency: ML_CONCURRENCY });
  const bareRate = perSecond(bareCalls, bareMs);
  figure({
    what: `${backlog} events of backlog, ML ${ML_LATENCY_MS} ms, single calls`,
    value: `${rate}/s`,
    against: `concurrency ÷ latency allows ${limit}/s; wanted ≥ 0.9 of it`,
    ratio: rate / limit,
  });
  figure({
    what: 'the same calls bare: 50 ms plus the latency of the network and the machine',
    value: `${bareRate}/s`,
    against: 'baseline of this run; the ratio is the rate of the loop ÷ this rate',
    ratio: rate / bareRate,
  });
}
