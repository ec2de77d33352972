import pLimit from 'p-limit';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ChaosEnginesOptions } from './chaos-engines.ts';
import type { CheckResult } from './check-exactly-once.ts';
import { POINTS } from './fault-points.ts';
import {
  FAULT_RUN_EVENTS,
  nameOf,
  retryFoundCommit,
  runWithFault,
  type FaultCase,
  type FaultRunResult,
} from './run-with-fault.ts';
import { useTestBed, type TestBed } from './test-bed.ts';

/** Each point once with SIGKILL and once with closed connections; and a commit whose reply is lost on an open connection. */
export const PROFILE_FAULTS: readonly FaultCase[] = [
  ...POINTS.flatMap((point): FaultCase[] => [
    { point, action: 'kill' },
    { point, action: 'cut' },
  ]),
  { point: 'unseen-end-txn', action: 'silence' },
];
/** A run mostly waits for timeouts. */
const PARALLEL_RUNS = 8;

/** Defines the tests of a file: each case in its own run, on engines that only this file uses. */
export function testFaultCases(
  faultCases: readonly FaultCase[],
  engineOptions: ChaosEnginesOptions = {},
): void {
  const { bed } = useTestBed(engineOptions);
  const results = new Map<string, PromiseSettledResult<FaultRunResult>>();
  let checks: Map<string, CheckResult>;

  beforeAll(async () => {
    const startedMs = performance.now();
    await runAll(bed(), faultCases, results);
    checks = await bed().checkRuns(
      [...results.values()].flatMap((result) => (result.status === 'fulfilled' ? [result.value.run] : [])),
    );
    const sum = (count: (check: CheckResult) => number) =>
      [...checks.values()].reduce((total, check) => total + count(check), 0);
    console.log(
      `${faultCases.length} faults, ${sum(({ input }) => input)} events in ${sum(({ ranges }) => ranges)} ranges, ` +
        `${Math.round((performance.now() - startedMs) / 1000)} s`,
    );
  });

  function resultOf(faultCase: FaultCase): FaultRunResult {
    const result = results.get(nameOf(faultCase));
    if (result?.status !== 'fulfilled') throw result?.reason ?? new Error('the run did not start');
    return result.value;
  }

  describe('every offset has exactly one outcome after', () => {
    test.each(faultCases.map((faultCase) => [nameOf(faultCase), faultCase] as const))(
      '%s',
      (_name, faultCase) => {
        const check = checks.get(resultOf(faultCase).run.topic);
        expect(check?.violations).toEqual([]);
        // There are more when the producer of the test retried a send to a topic that was just created.
        expect(check?.input).toBeGreaterThanOrEqual(FAULT_RUN_EVENTS);
        expect(check?.counts.scored).toBeGreaterThan(100);
      },
    );
  });

  test.each(['cut', 'silence'] as const)(
    'the retry finds a commit whose reply was lost (%s) and does nothing',
    (action) => {
      expect(resultOf({ point: 'unseen-end-txn', action }).workerLines).toSatisfy(retryFoundCommit);
    },
  );
}

async function runAll(
  bed: TestBed,
  faultCases: readonly FaultCase[],
  results: Map<string, PromiseSettledResult<FaultRunResult>>,
): Promise<void> {
  const limit = pLimit(PARALLEL_RUNS);
  await Promise.all(
    faultCases.map((faultCase) =>
      limit(async () => {
        const [result] = await Promise.allSettled([runWithFault(bed, faultCase)]);
        results.set(nameOf(faultCase), result);
      }),
    ),
  );
}
