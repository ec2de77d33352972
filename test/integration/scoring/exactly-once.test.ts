import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Arena } from '../../chaos/arena.ts';
import { loopStateQuery } from '../../../contract/messages.ts';
import { createBench, type Bench } from '../../chaos/bench.ts';
import {
  EVENTS as STRUCK_EVENTS,
  foundItCommitted,
  strike,
  untilAllCounted,
  type Strike,
} from '../../chaos/strike.ts';
import { until } from '../../support/until.ts';

/**
 * The short form of test/chaos, which breaks every step and the engines too: five faults that tell most, and a run whose
 * workers are killed. They run side by side, since most of their time is waiting for a heartbeat that does not come.
 */
const strikes: Strike[] = [
  { point: 'after-read', action: 'kill' },
  { point: 'after-read', action: 'cut' }, // the next range is being read ahead
  { point: 'after-cache', action: 'kill' },
  { point: 'unseen-end-txn', action: 'cut' },
  { point: 'after-commit', action: 'kill' },
];
const EVENTS = 3000;

let bench: Bench;
beforeAll(async () => {
  const engines = inject('engines');
  bench = await createBench({ ...engines, REDIS_URL: `${engines.REDIS_URL}/9` });
});
afterAll(() => bench.close());

/** Each worker but the last is killed when it has committed a few ranges, in the middle of whatever it does then. */
async function killTwice(): Promise<Arena> {
  const arena = await bench.arena('killed-twice', {
    ...{ partitions: 3, ids: 200, events: EVENTS },
    maxOffsets: 150,
  });
  const loop = await arena.startLoop();
  for (let kills = 0; kills < 2; kills += 1) {
    const worker = arena.worker();
    await worker.says('commit done');
    await worker.kill();
  }
  arena.worker();
  await arena.untilAllCommitted();
  await untilAllCounted(arena, loop);
  await arena.close();
  return arena;
}

/** The worker is killed while one of its ranges stays to plan the next batch; another one goes on. */
async function killWaiting(): Promise<Arena> {
  const arena = await bench.arena('killed-waiting', { partitions: 2, ids: 50, events: 80, maxOffsets: 1000 });
  const loop = await arena.startLoop();
  const victim = arena.worker();
  await until('a range stays', async () => {
    const [pending] = (await loop.describe()).raw.pendingActivities ?? [];
    return pending?.activityType?.name === 'scoreRange' && (await loop.query(loopStateQuery)).batches === 1;
  });
  await victim.kill();
  await arena.produce(80, 80);
  arena.worker();
  await untilAllCounted(arena, loop);
  await arena.close();
  return arena;
}

test(
  'every offset has exactly one outcome after kill -9 and after a commit whose reply never came',
  // Each wait within has a deadline of its own, which tells more than this one.
  { timeout: 300_000 },
  async () => {
    const [struck, ...killed] = await Promise.all([
      Promise.all(strikes.map((one) => strike(bench, one))),
      killTwice(),
      killWaiting(),
    ]);
    const accounts = [...(await bench.accounts([...killed, ...struck.map(({ arena }) => arena)])).values()];
    expect(accounts.flatMap(({ violations }) => violations)).toEqual([]);
    const input = accounts.reduce((sum, account) => sum + account.input, 0);
    expect(input).toBeGreaterThanOrEqual(strikes.length * STRUCK_EVENTS + EVENTS + 160);
    // The worker was told of a failure; its next attempt found the range committed.
    expect(struck[strikes.findIndex(({ point }) => point === 'unseen-end-txn')]?.told).toSatisfy(
      foundItCommitted,
    );
  },
);
