import { withProcessorTime } from '../core-shares.ts';
import { median, perSecond, type Figure } from '../figures.ts';
import { collectBacklog, runBacklog, workBacklog } from './run-backlog.ts';
import { startBareClient } from './start-bare-client.ts';
import { ML_CONCURRENCY, ML_LATENCY_MS, type Scoring } from './start-scoring.ts';

const ROUNDS = 5;
/** Single calls take long, and their rate varies little. */
const SINGLE_CALL_EVENTS = 10_000;

/** The rate with a backlog and a model that answers immediately, beside a bare client that works the same events. */
export async function measureBacklog(scoring: Scoring, backlog: number): Promise<void> {
  await scoring.setMlFaults({ latency_ms: 0 });
  await collectBacklog(scoring, 0); // pauses the loop: both start at the same events
  const bare = await startBareClient(scoring);
  const round = async () => {
    await collectBacklog(scoring, backlog);
    const loop = await timed(scoring, backlog, () => workBacklog(scoring, backlog));
    await collectBacklog(scoring, 0);
    const processes = { ...scoring.processes, worker: bare.pid };
    return { loop, bare: await timed({ processes }, backlog, () => bare.run({ events: backlog })) };
  };
  await round(); // compiles the code of both
  scoring.figure(await compare(`${backlog} events of backlog, ML 0 ms`, 0.9, round));
  bare.stop();
  await scoring.setMlFaults({});
}

/** The rate with a model that has no batch endpoint, beside a client that does nothing but call it. */
export async function measureSingleCalls(scoring: Scoring): Promise<void> {
  await scoring.setMlFaults({ batch: false });
  await runBacklog(scoring, 1000); // the worker finds that there is no batch endpoint
  const bare = await startBareClient(scoring);
  await bare.run({ calls: 1000 });
  const count = SINGLE_CALL_EVENTS;
  const round = async () => {
    await collectBacklog(scoring, count);
    const loop = await timed(scoring, count, () => workBacklog(scoring, count));
    const processes = { ...scoring.processes, worker: bare.pid };
    return { loop, bare: await timed({ processes }, count, () => bare.run({ calls: count })) };
  };
  const what = `${count} events of backlog, ML ${ML_LATENCY_MS} ms, ${ML_CONCURRENCY} single calls at a time`;
  scoring.figure(await compare(what, 0.97, round));
  bare.stop();
}

/** @returns the rate; prints the processor time of each process as well */
async function timed(
  { processes }: Pick<Scoring, 'processes'>,
  events: number,
  work: () => Promise<number>,
): Promise<number> {
  const { result: ms, perItem } = await withProcessorTime(processes, events, work);
  console.log(`${perSecond(events, ms)}/s; microseconds an event: ${perItem}`);
  return perSecond(events, ms);
}

interface Rates {
  readonly loop: number;
  readonly bare: number;
}

/** The rounds of loop and baseline alternate, so that a slow minute of the machine meets both. */
async function compare(what: string, goal: number, round: () => Promise<Rates>): Promise<Figure> {
  const rounds: Rates[] = [];
  for (let done = 0; done < ROUNDS; done += 1) {
    const rates = await round();
    console.log(`${what}: ${rates.loop}/s, bare ${rates.bare}/s`);
    rounds.push(rates);
  }
  const bareRate = median(rounds.map(({ bare }) => bare));
  return {
    what: `${what}: median of ${ROUNDS}`,
    value: `${median(rounds.map(({ loop }) => loop))}/s`,
    against: `bare client ${bareRate}/s in alternate rounds; goal ≥ ${goal} of it`,
    ratio: median(rounds.map(({ loop, bare }) => loop / bare)),
  };
}
