import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createLookupCache } from '../../../../clients/lakehouse/lookup-cache.ts';

interface Thing {
  readonly id: string;
  readonly text?: string;
}

/**
 * A lookup cache over a source that has every id except "unknown", and "twins" twice.
 * @param text each row has it
 * @param slow each query waits until the test calls its function in `waiting`; an error makes it fail
 */
function lookupCache({
  deadlineMs = 1000,
  slow = false,
  preloaded = undefined as string[] | undefined,
  text = undefined as string | undefined,
} = {}) {
  const queries: (readonly string[])[] = [];
  const errors: unknown[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const lookUp = createLookupCache<Thing>(
    async (ids) => {
      queries.push(ids);
      if (slow)
        await new Promise<void>((resolve, reject) =>
          waiting.push((error) => (error === undefined ? resolve() : reject(error))),
        );
      return [...ids, ...ids.filter((id) => id === 'twins')]
        .filter((id) => id !== 'unknown')
        .map((id) => ({ id, ...(text !== undefined && { text }) }));
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
  return { lookUp, queries, errors, waiting };
}

describe('a lookup cache', () => {
  test('joins concurrent lookups into one query, and caches values and unknown ids', async () => {
    const { lookUp, queries } = lookupCache();
    const [one, two] = await Promise.all([lookUp(['a', 'unknown']), lookUp(['a', 'b'])]);
    expect([...one.byId.keys()]).toEqual(['a']);
    expect([...two.byId.keys()]).toEqual(['a', 'b']);
    expect(queries).toEqual([['a', 'unknown', 'b']]);
    expect((await lookUp(['b', 'unknown', 'a'])).complete).toBe(true);
    expect(queries).toHaveLength(1);
  });

  test('has all rows of an id', async () => {
    const { lookUp } = lookupCache();
    expect((await lookUp(['twins', 'a'])).byId).toEqual(
      new Map([
        ['twins', [{ id: 'twins' }, { id: 'twins' }]],
        ['a', [{ id: 'a' }]],
      ]),
    );
  });

  test('queries nothing when the table is preloaded, also for ids that the table does not have', async () => {
    const { lookUp, queries } = lookupCache({ preloaded: ['a', 'b'] });
    await sleep(1);
    const { byId, complete } = await lookUp(['a', 'b', 'c']);
    expect({ ids: [...byId.keys()], complete, queries }).toEqual({
      ids: ['a', 'b'],
      complete: true,
      queries: [],
    });
  });

  test('queries until the preload has finished', async () => {
    const { lookUp, queries } = lookupCache({ preloaded: ['a'] });
    expect((await lookUp(['a'])).byId.size).toBe(1);
    expect(queries).toEqual([['a']]);
    expect((await lookUp(['b'])).byId.size).toBe(0);
    expect(queries).toEqual([['a']]);
  });

  test('returns at the deadline, and queries no id twice at the same time', async () => {
    const { lookUp, queries, waiting } = lookupCache({ deadlineMs: 20, slow: true });
    expect(await lookUp(['a'])).toEqual({ byId: new Map(), complete: false });
    await Promise.all([lookUp(['a', 'b']), lookUp(['a', 'c'])]);
    expect(queries).toEqual([['a'], ['b', 'c']]);
    waiting.shift()?.();
    await sleep(1);
    expect((await lookUp(['a'])).complete).toBe(true);
    expect((await lookUp(['b'])).complete).toBe(false);
  });

  test('does not let a lookup wait for the slow query of another', async () => {
    const { lookUp, queries, waiting } = lookupCache({ slow: true });
    const slow = lookUp(['a']);
    while (queries.length < 1) await sleep(1);
    const quick = lookUp(['b']);
    while (queries.length < 2) await sleep(1);
    waiting[1]?.();
    expect((await quick).complete).toBe(true);
    waiting[0]?.();
    expect((await slow).complete).toBe(true);
  });

  test('runs 4 queries at a time; ids that arrive in the meantime share the next one', async () => {
    const { lookUp, queries, waiting } = lookupCache({ deadlineMs: 20, slow: true });
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await lookUp([id]);
    expect(queries).toEqual([['a'], ['b'], ['c'], ['d']]);
    waiting.shift()?.();
    while (queries.length < 5) await sleep(1);
    expect(queries[4]).toEqual(['e', 'f', 'g']);
  });

  test('reports a failed query, and queries the ids again', async () => {
    const { lookUp, queries, errors, waiting } = lookupCache({ slow: true });
    const failed = lookUp(['a']);
    while (waiting.length === 0) await sleep(1);
    waiting.shift()?.(new Error('down'));
    expect((await failed).complete).toBe(false);
    expect(errors).toHaveLength(1);
    const retried = lookUp(['a']);
    while (waiting.length === 0) await sleep(1);
    waiting.shift()?.();
    expect((await retried).byId.size).toBe(1);
    expect(queries).toEqual([['a'], ['a']]);
  });

  test('keeps less of rows with long texts: the texts together are bounded, not only the number of rows', async () => {
    const { lookUp, queries } = lookupCache({ text: 'x'.repeat(1_000_000) });
    for (let id = 1; id <= 70; id += 1) await lookUp([String(id)]);
    await lookUp(['70', '69']);
    expect(queries).toHaveLength(70);
    await lookUp(['1']);
    expect(queries).toHaveLength(71);
  });

  test('has all rows of a lookup, also when the cache cannot keep so many', async () => {
    const { lookUp } = lookupCache({ text: 'x'.repeat(10_000_000) });
    await lookUp(['0']);
    const ids = Array.from({ length: 10 }, (_, index) => String(index));
    const { byId, complete } = await lookUp(ids);
    expect({ complete, ids: [...byId.keys()] }).toEqual({ complete: true, ids });
  });
});
