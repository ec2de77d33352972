import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareNext } from '../../../../domain/values/share-next.ts';

test('gives each caller a run that begins after its call, and runs one at a time', async () => {
  const calls = fc
    .scheduler()
    .chain((scheduler) =>
      fc.record({ scheduler: fc.constant(scheduler), count: fc.integer({ min: 1, max: 20 }) }),
    );
  await fc.assert(
    fc.asyncProperty(calls, async ({ scheduler, count }) => {
      let [clock, running] = [0, 0];
      const run = shareNext(async () => {
        running += 1;
        expect(running).toBe(1);
        const startedAt = (clock += 1);
        await scheduler.schedule(Promise.resolve());
        running -= 1;
        return startedAt;
      });
      const answers = Array.from({ length: count }, async () => {
        await scheduler.schedule(Promise.resolve());
        const calledAt = (clock += 1);
        expect(await run()).toBeGreaterThan(calledAt);
      });
      await scheduler.waitFor(Promise.all(answers));
    }),
  );
});

test('shares one run between all concurrent callers, and its failure reaches only them', async () => {
  let runs = 0;
  const run = shareNext(() => {
    runs += 1;
    return runs === 1 ? Promise.reject(new Error('the first run fails')) : Promise.resolve(runs);
  });
  const first = await Promise.allSettled(Array.from({ length: 100 }, () => run()));
  expect([runs, new Set(first.map(({ status }) => status))]).toEqual([1, new Set(['rejected'])]);
  expect(await Promise.all([run(), run()])).toEqual([2, 2]);
});
