import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { injectBrokerFault } from './broker-faults.ts';
import type { ChaosRun } from './chaos-run.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import type { TestBed } from './test-bed.ts';
import { retryWhileDown } from './retry-while-down.ts';

const EVENTS_PER_SECOND = 400;
const OPTIONS = { partitions: 6, ids: 2000, events: EVENTS_PER_SECOND, maxOffsets: 1000 };
const SEND_EVERY_MS = 250;
/** Many events are due after a broker was down. */
const MAX_EVENTS_PER_SEND = 1000;

/**
 * Two workers score a steady stream of events, while one broker at a time is frozen or stopped, or leaders move. Then everything is scored
 * and checked. The input topic, not the producer, tells which events there are: kafkajs may lose or double some when a leader moves.
 */
export async function expectExactlyOnceWithBrokerFaults(
  bed: TestBed,
  cluster: KafkaCluster,
  rounds: number,
): Promise<void> {
  const run = await bed.createRun('broker-faults', OPTIONS);
  await cluster.untilHealthy();
  await run.startLoop();
  const workers = [run.startWorker(), run.startWorker()];
  await Promise.all(workers.map((worker) => worker.untilLine('ready')));
  const startedMs = performance.now();
  const log = (text: string) =>
    console.log(`${Math.round((performance.now() - startedMs) / 1000)} s: ${text}`);

  const producer = startProducing(run, OPTIONS.events);
  let movedLeaders = 0;
  let produced = 0;
  try {
    for (let round = 0; round < rounds; round += 1) {
      const fault = await injectBrokerFault(cluster, round, run.untilItScores);
      movedLeaders += fault.movedLeaders;
      const { committed, total } = await retryWhileDown(() => run.countOffsets());
      log(`${fault.name}, ${fault.movedLeaders} leaders moved, ${committed} of ${total} committed`);
    }
  } finally {
    produced = await producer.stop();
  }
  await run.untilAllCommitted(300);
  log(`all ${produced} events committed`);
  await run.close();

  const check = (await bed.checkRuns([run])).get(run.topic);
  console.log(check);
  expect(check?.violations).toEqual([]);
  expect(check?.input).toBeGreaterThan(produced * 0.9);
  expect(check?.counts.scored).toBeGreaterThan(100);
  expect(check?.counts.dead_letters).toBeGreaterThan(10);
  expect(movedLeaders).toBeGreaterThan(rounds);
}

/**
 * Produces events at a steady rate. Events that a broker refuses are produced again, so they may be there twice.
 * @param first number of the first event
 */
function startProducing(run: ChaosRun, first: number): { stop(): Promise<number> } {
  let isStopped = false;
  let next = first;
  const startedMs = performance.now();
  const running = (async () => {
    while (!isStopped) {
      await sleep(SEND_EVERY_MS);
      const seconds = (performance.now() - startedMs) / 1000;
      const due = first + Math.floor(seconds * EVENTS_PER_SECOND) - next;
      const count = Math.min(due, MAX_EVENTS_PER_SEND);
      await retryWhileDown(() => run.produce(next, count));
      next += count;
    }
  })();
  // `stop` throws its error; without this the process would end before.
  running.catch(() => {});
  return {
    async stop() {
      isStopped = true;
      await running;
      return next;
    },
  };
}
