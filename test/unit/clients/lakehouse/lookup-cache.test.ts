import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createLookupCache } from '../../../../clients/lakehouse/lookup-cache.ts';

interface Thing {
  readonly id: string;
}

/** A source that knows every id but "nobody"; `answer` lets a query go on. */
function source({ deadlineMs = 1000, slow = false, preloaded = undefined as string[] | undefined } = {}) {
  const queries: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const known = createLookupCache<Thing>(
    async (ids) => {
      queries.push(ids);
      if (slow)
        await new Promise<void>((resolve, reject) =>
          waiting.push((error) => (error === undefined ? resolve() : reject(error))),
        );
      return ids.filter((id) => id !== 'nobody').map((id) => ({ id }));
    },
    ({ id }) => id,
    {
      deadlineMs,
      onError: (error) => errors.push(error),
      ...(preloaded && {
        async *preload() {
          await Promise.resolve();
          yield preloaded.map((id) => ({ id }));
        },
      }),
    },
  );
  return { known, queries, errors, waiting };
}

describe('what the hot path knows', () => {
  test('is asked for in one query by ranges that begin together, and kept, the unknown included', async () => {
    const { known, queries } = source();
    const [one, two] = await Promise.all([known(['a', 'nobody']), known(['a', 'b'])]);
    expect([...one.byId.keys()]).toEqual(['a']);
    expect([...two.byId.keys()]).toEqual(['a', 'b']);
    expect(queries).toEqual([['a', 'nobody', 'b']]);
    expect((await known(['b', 'nobody', 'a'])).complete).toBe(true);
    expect(queries).toHaveLength(1);
  });

  test('need not be asked for when it was preloaded, nor who is not in what was', async () => {
    const { known, queries } = source({ preloaded: ['a', 'b'] });
    await sleep(1);
    const { byId, complete } = await known(['a', 'b', 'c']);
    expect({ ids: [...byId.keys()], complete, queries }).toEqual({
      ids: ['a', 'b'],
      complete: true,
      queries: [],
    });
  });

  test('is asked for until what is preloaded is there', async () => {
    const { known, queries } = source({ preloaded: ['a'] });
    expect((await known(['a'])).byId.size).toBe(1);
    expect(queries).toEqual([['a']]);
    expect((await known(['b'])).byId.size).toBe(0);
    expect(queries).toEqual([['a']]);
  });

  test('of a slow Trino is not waited for, nor asked for again meanwhile; the next query takes what gathered', async () => {
    const { known, queries, waiting } = source({ deadlineMs: 20, slow: true });
    expect(await known(['a'])).toEqual({ byId: new Map(), complete: false });
    await Promise.all([known(['a', 'b']), known(['a', 'c'])]);
    expect(queries).toEqual([['a']]);
    waiting.shift()?.();
    while (queries.length < 2) await sleep(1);
    expect(queries[1]).toEqual(['b', 'c']);
    expect((await known(['a'])).complete).toBe(true);
  });

  test('that could not be had is told, and asked for again', async () => {
    const { known, queries, errors, waiting } = source({ slow: true });
    const asked = known(['a']);
    while (waiting.length === 0) await sleep(1);
    waiting.shift()?.(new Error('down'));
    expect((await asked).complete).toBe(false);
    expect(errors).toHaveLength(1);
    const again = known(['a']);
    while (waiting.length === 0) await sleep(1);
    waiting.shift()?.();
    expect((await again).byId.size).toBe(1);
    expect(queries).toEqual([['a'], ['a']]);
  });
});
