import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import type { ChaosRun } from './chaos-run.ts';
import { retryWhileDown } from './retry-while-down.ts';
import { useTestBed } from './test-bed.ts';
import { WorkerCrew } from './worker-crew.ts';
import { WorkerProcess } from './worker-process.ts';

const EVENTS = 100_000;
const PARTITIONS = 6;
const CHUNK = 1000;
/** With this interval the events arrive over two minutes, while the faults happen. */
const CHUNK_EVERY_MS = 1200;
/** The shortest interval between kills; see WorkerCrew. */
const KILL_EVERY_MS = 2000;
/** Longer than the heartbeat timeout. */
const HANG_MS = 14_000;

const { engines, bed } = useTestBed();

/** Produces the events at a steady rate. A chunk that a broker refuses is produced again, so it may be there twice. */
async function produceAll(run: ChaosRun): Promise<void> {
  for (let first = 0; first < EVENTS; first += CHUNK) {
    await retryWhileDown(() => run.produce(first, CHUNK));
    await sleep(CHUNK_EVERY_MS);
  }
}

/** Suspends a worker for longer than its heartbeat timeout. */
async function hangWorker(crew: WorkerCrew): Promise<void> {
  const worker = crew.release();
  worker.suspend();
  await sleep(HANG_MS);
  worker.resume();
}

async function hijackTransactionalIds(run: ChaosRun): Promise<void> {
  const hijacker = new WorkerProcess(
    { ...run.environment, CHAOS_TOPIC: run.topic, CHAOS_PARTITIONS: String(PARTITIONS) },
    {},
    'hijacker',
  );
  await hijacker.untilLine('hijacked');
  await hijacker.kill();
  expect(hijacker.linesStartingWith('holds').length).toBeGreaterThan(0);
}

test('every one of 100,000 events has exactly one outcome while workers and engines fail', async () => {
  const { redis, kafka, temporal } = engines();
  const run = await bed().createRun('all-faults', {
    ...{ partitions: PARTITIONS, ids: 5000, maxOffsets: 1000 },
    events: CHUNK,
  });
  let loop = await run.startLoop();
  const crew = new WorkerCrew(run);
  await crew.start(KILL_EVERY_MS);
  const startedMs = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedMs) / 1000)} s`;
  const produced = produceAll(run);
  const progress = setInterval(() => {
    void run.countOffsets().then(
      ({ committed, total }) =>
        console.log(`${elapsed()}: ${committed} of ${total} committed, ${crew.kills} workers killed`),
      (error: unknown) => console.log(`${elapsed()}: ${String(error)}`),
    );
  }, 10_000);

  const restartLoop = async () => {
    await retryWhileDown(() => loop.terminate('chaos'));
    loop = await retryWhileDown(() => run.startLoop());
  };
  const faults: [name: string, inject: () => Promise<unknown>][] = [
    ['Redis killed and restarted', () => redis.kill().then(() => redis.start())],
    ['a worker suspended and resumed', () => hangWorker(crew)],
    ['the broker killed and restarted', () => kafka.kill().then(() => kafka.start())],
    ['Temporal stopped and started', () => temporal.stop().then(() => temporal.start())],
    ['the loop terminated and started', restartLoop],
    ['its transactional ids hijacked', () => hijackTransactionalIds(run)],
  ];
  for (const [index, [name, inject]] of faults.entries()) {
    const share = (index + 1) / (faults.length + 2);
    await until(
      `${Math.round(share * 100)} % of the events are committed`,
      async () => ((await run.countOffsets().catch(() => undefined))?.committed ?? 0) >= share * EVENTS,
      600,
    );
    const before = elapsed();
    await inject();
    console.log(`${name}: ${before} to ${elapsed()}`);
  }
  await produced;
  clearInterval(progress);
  await crew.stopKilling();
  await run.untilAllCommitted(600);
  console.log(`everything committed: ${elapsed()}, ${crew.kills} workers killed`);
  await run.close();

  const check = (await bed().checkRuns([run])).get(run.topic);
  console.log(check);
  expect(check?.violations).toEqual([]);
  expect(check?.input).toBeGreaterThanOrEqual(EVENTS);
  expect(check?.counts.superseded).toBeGreaterThan(0);
  expect(crew.kills).toBeGreaterThan(10);
});
