import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFairLimit } from '../../../../clients/ml-api/model-service.ts';

/** Work that ends when the test ends it. `started` and `running` list it as `caller:number`. */
function startWork(concurrency: number) {
  const run = createFairLimit(concurrency);
  const started: string[] = [];
  const running = new Map<string, () => void>();
  return {
    started,
    running,
    add: (name: string) =>
      void run(name.split(':')[0] ?? '', async () => {
        started.push(name);
        await new Promise<void>((end) => running.set(name, end));
        running.delete(name);
      }),
    end: async (name: string) => {
      running.get(name)?.();
      await nextTurn();
    },
  };
}

describe('a fair limit', () => {
  test('gives a quiet caller the next permit, and busy callers the permits in turn', async () => {
    const { add, end, started } = startWork(1);
    ['a:1', 'a:2', 'a:3', 'b:1', 'b:2', 'quiet:1'].forEach(add);
    for (const name of ['a:1', 'a:2', 'b:1', 'quiet:1', 'a:3']) await end(name);
    expect(started).toEqual(['a:1', 'a:2', 'b:1', 'quiet:1', 'a:3', 'b:2']);
  });

  test('releases the permit of work that throws, and returns the results of the rest', async () => {
    const run = createFairLimit(1);
    const results = await Promise.allSettled([
      run('a', () => Promise.reject(new Error('bad'))),
      run('a', () => {
        throw new Error('worse');
      }),
      run('b', () => Promise.resolve(1)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await run('a', () => Promise.resolve(2))).toBe(2);
  });

  test('runs all work, of each caller in order, and never more than allowed at once', async () => {
    const step = fc.oneof(
      fc.constantFrom('a', 'b', 'c').map((caller) => ({ caller })),
      fc.nat().map((ended) => ({ ended })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 40 }),
        async (limit, steps) => {
          const { add, end, started, running } = startWork(limit);
          const added: string[] = [];
          const endOne = (index: number) => end([...running.keys()][index % running.size] ?? '');
          for (const each of steps) {
            if ('caller' in each) {
              added.push(`${each.caller}:${added.length}`);
              add(added.at(-1) ?? '');
            } else await endOne(each.ended);
            await nextTurn();
            expect(running.size).toBeLessThanOrEqual(limit);
            expect(running.size === limit || started.length === added.length).toBe(true);
          }
          while (running.size > 0) await endOne(0);
          const ofCaller = (names: readonly string[], caller: string) =>
            names.filter((name) => name.startsWith(caller));
          for (const caller of ['a', 'b', 'c'])
            expect(ofCaller(started, caller)).toEqual(ofCaller(added, caller));
        },
      ),
    );
  });

  test('lets each other caller go first at most once', async () => {
    const callers = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), callers, callers, async (limit, before, after) => {
        const { add, end, started, running } = startWork(limit);
        [...before, 'quiet', ...after].forEach((caller, index) => add(`${caller}:${index}`));
        const startedAtOnce = started.length;
        while (!started.some((name) => name.startsWith('quiet'))) await end([...running.keys()][0] ?? '');
        const waitedFor = started.slice(startedAtOnce, -1).map((name) => name.split(':')[0]);
        expect(new Set(waitedFor).size).toBe(waitedFor.length);
        while (running.size > 0) await end([...running.keys()][0] ?? '');
      }),
    );
  });
});
