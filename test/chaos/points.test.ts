import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBench, type Bench } from './bench.ts';
import type { Account } from './check-accounting.ts';
import { startChaosEngines, type ChaosEngines } from './chaos-engines.ts';
import { POINTS, type Point } from './points.ts';
import { EVENTS, foundItCommitted, nameOf, strike, type Strike, type StrikeResult } from './strike.ts';

const VIDEO_POINTS: readonly Point[] = [
  'after-read',
  'after-features',
  'unseen-cache',
  'after-cache',
  'unseen-end-txn',
];

/** Each point once by kill -9 and once by a cut connection; and a commit whose reply never comes on a live connection. */
const strikes: Strike[] = [
  ...POINTS.flatMap((point): Strike[] => [
    { point, action: 'kill' },
    { point, action: 'cut' },
  ]),
  { point: 'unseen-end-txn', action: 'silence' },
  // What is done with videos differs between reading and committing only.
  ...VIDEO_POINTS.flatMap((point): Strike[] => [
    { kind: 'videos', point, action: 'kill' },
    { kind: 'videos', point, action: 'cut' },
  ]),
];
/** Most of a strike is waiting for timeouts. */
const AT_ONCE = 8;

let engines: ChaosEngines;
let bench: Bench;
const results = new Map<string, PromiseSettledResult<StrikeResult>>();
let accounts: Map<string, Account>;

beforeAll(async () => {
  engines = await startChaosEngines();
  bench = await createBench(engines.addresses);
  const limit = pLimit(AT_ONCE);
  const started = performance.now();
  await Promise.all(
    strikes.map((one) =>
      limit(async () => {
        const [result] = await Promise.allSettled([strike(bench, one)]);
        results.set(nameOf(one), result);
      }),
    ),
  );
  accounts = await bench.accounts(
    [...results.values()].flatMap((run) => (run.status === 'fulfilled' ? [run.value.arena] : [])),
  );
  const counts = [...accounts.values()];
  const sum = (count: (account: Account) => number) => counts.reduce((all, one) => all + count(one), 0);
  console.log(
    `${strikes.length} faults, ${sum(({ input }) => input)} events in ${sum(({ ranges }) => ranges)} ranges, ` +
      `${Math.round((performance.now() - started) / 1000)} s`,
  );
});
afterAll(async () => {
  await bench?.close();
  await engines?.stop();
});

function resultOf(one: Strike): StrikeResult {
  const run = results.get(nameOf(one));
  if (run?.status !== 'fulfilled') throw run?.reason ?? new Error('it never ran');
  return run.value;
}

describe('every offset has exactly one outcome after', () => {
  test.each(strikes.map((one) => [nameOf(one), one] as const))('%s', (_name, one) => {
    const account = accounts.get(resultOf(one).arena.topic);
    expect(account?.violations).toEqual([]);
    // More where the test's own producer sent some twice, to a topic just made.
    expect(account?.input).toBeGreaterThanOrEqual(EVENTS);
    expect(account?.counts.scored).toBeGreaterThan(100);
  });
});

test.each(['cut', 'silence'] as const)(
  'a commit whose reply never came (%s) is found by its retry',
  (action) => {
    expect(resultOf({ point: 'unseen-end-txn', action }).told).toSatisfy(foundItCommitted);
  },
);
