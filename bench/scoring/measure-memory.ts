import { residentMb } from '../process-memory.ts';
import { runBacklog } from './run-backlog.ts';
import type { Scoring } from './start-scoring.ts';

const EVENTS_PER_RUN = 50_000;

/** The resident memory of the worker over many events, with an ML service that responds immediately. */
export async function measureMemory(scoring: Scoring, total: number): Promise<void> {
  await scoring.setMlFaults({ latency_ms: 0 });
  const samples: number[] = [];
  for (let done = 0; done < total; done += EVENTS_PER_RUN) {
    await runBacklog(scoring, EVENTS_PER_RUN);
    const mb = residentMb(scoring.worker.pid ?? Number.NaN);
    samples.push(mb);
    console.log(`${done + EVENTS_PER_RUN} events: worker RSS ${mb} MB`);
  }
  const first = samples[1] ?? Number.NaN;
  const max = Math.max(...samples);
  scoring.figure({
    what: `worker RSS after 100,000 and at most over ${total} events`,
    value: `${first} MB, ${max} MB`,
    against: `goal ≤ ${first + 64} MB`,
    ratio: max / (first + 64),
  });
  await scoring.setMlFaults({});
}
