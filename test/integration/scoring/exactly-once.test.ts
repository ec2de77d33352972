import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChaosRun } from '../../chaos/chaos-run.ts';
import {
  FAULT_RUN_EVENTS,
  retryFoundCommit,
  runWithFault,
  untilAllCounted,
  type FaultCase,
} from '../../chaos/run-with-fault.ts';
import { createTestBed, type TestBed } from '../../chaos/test-bed.ts';
import { testEngines } from '../../support/test-engines.ts';

/**
 * The short form of test/chaos, which breaks every step and the engines too: the three most telling faults, and runs whose workers
 * are killed. They run in parallel, because most of their time is the wait for a heartbeat timeout.
 */
const faultCases: FaultCase[] = [
  { point: 'after-cache', action: 'kill' },
  { point: 'unseen-end-txn', action: 'cut' },
  { point: 'after-commit', action: 'kill' },
];
const EVENTS = 3000;

let bed: TestBed;
beforeAll(async () => {
  const engines = testEngines();
  bed = await createTestBed({ ...engines, REDIS_URL: `${engines.REDIS_URL}/9` });
});
afterAll(() => bed.close());

/** Two workers are killed, one after the other, each after its first commits and during its next work. A third one finishes. */
async function killTwice(): Promise<ChaosRun> {
  const run = await bed.createRun('killed-twice', {
    ...{ partitions: 3, ids: 200, events: EVENTS },
    maxOffsets: 150,
  });
  const loop = await run.startLoop();
  for (let kills = 0; kills < 2; kills += 1) {
    const worker = run.startWorker();
    await worker.untilLine('commit done');
    await worker.kill();
  }
  run.startWorker();
  await run.untilAllCommitted();
  await untilAllCounted(run, loop);
  await run.close();
  return run;
}

/** The worker is killed while its slices wait for data. Another worker continues. */
async function killWhileWaiting(): Promise<ChaosRun> {
  const run = await bed.createRun('killed-waiting', { partitions: 2, ids: 50, events: 80, maxOffsets: 1000 });
  const loop = await run.startLoop();
  const victim = run.startWorker();
  await run.untilAllCommitted();
  await victim.kill();
  await run.produce(80, 80);
  run.startWorker();
  await untilAllCounted(run, loop);
  await run.close();
  return run;
}

test(
  'every offset has exactly one outcome after kill -9 and after a commit whose reply is lost',
  // Longer than the deadlines of the waits inside, because their errors say more.
  { timeout: 300_000 },
  async () => {
    const [faulty, ...killed] = await Promise.all([
      Promise.all(faultCases.map((faultCase) => runWithFault(bed, faultCase))),
      killTwice(),
      killWhileWaiting(),
    ]);
    const checks = [...(await bed.checkRuns([...killed, ...faulty.map(({ run }) => run)])).values()];
    expect(checks.flatMap(({ violations }) => violations)).toEqual([]);
    const input = checks.reduce((sum, check) => sum + check.input, 0);
    expect(input).toBeGreaterThanOrEqual(faultCases.length * FAULT_RUN_EVENTS + EVENTS + 160);
    // The commit failed for the worker, and its next attempt found the range committed.
    const lostReply = faulty[faultCases.findIndex(({ point }) => point === 'unseen-end-txn')];
    expect(lostReply?.workerLines).toSatisfy(retryFoundCommit);
  },
);
