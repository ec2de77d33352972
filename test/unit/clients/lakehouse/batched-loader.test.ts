import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBatchedLoader } from '../../../../clients/lakehouse/batched-loader.ts';
import { literals } from '../../../../clients/lakehouse/sql.ts';
import { MAX_ID_LENGTH } from '../../../../domain/values/text-ids.ts';

const TRINO_MAX_QUERY_LENGTH = 1_000_000;
const ids = (count: number, idLength = 8) =>
  Array.from({ length: count }, (_, index) => String(index).padStart(idLength, "'"));

/** A loader whose queries end at once, or wait for `end`. */
function loader({ slow = false } = {}) {
  const queries: (readonly string[])[] = [];
  let running = 0;
  let mostRunning = 0;
  let end = () => {};
  const ended = slow ? new Promise<void>((resolve) => (end = resolve)) : sleep(0);
  const load = createBatchedLoader(
    async (batch) => {
      queries.push(batch);
      mostRunning = Math.max(mostRunning, (running += 1));
      await ended;
      await sleep(1);
      running -= 1;
      return new Map(batch.map((id) => [id, `value of ${id}`]));
    },
    () => {},
  );
  const found = new Map<string, string>();
  const loadAll = (some: readonly string[]) => load(some, (id, value) => found.set(id, value));
  return { load: loadAll, found, queries, end: () => end(), mostRunning: () => mostRunning };
}

describe('a batched loader', () => {
  test('keeps each query well below the longest that Trino takes', async () => {
    const { load, queries } = loader();
    expect(await load(ids(5000, MAX_ID_LENGTH))).toBe(true);
    expect(queries.flat()).toEqual(ids(5000, MAX_ID_LENGTH));
    for (const query of queries) expect(literals(query).length).toBeLessThan(0.7 * TRINO_MAX_QUERY_LENGTH);
    expect(queries.length).toBe(5);
  });

  test('queries all ids, with at most 4 queries at a time', async () => {
    const some = fc.uniqueArray(fc.nat(30).map(String), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(some, { maxLength: 6 }), async (loads) => {
        const { load, found, queries, mostRunning } = loader();
        const results = await Promise.all(loads.map((each, index) => sleep(index).then(() => load(each))));
        expect(results.every((succeeded) => succeeded)).toBe(true);
        expect(new Set(queries.flat())).toEqual(new Set(loads.flat()));
        expect(found).toEqual(new Map(loads.flat().map((id) => [id, `value of ${id}`])));
        expect(mostRunning()).toBeLessThanOrEqual(4);
      }),
      { numRuns: 30 },
    );
  });

  test('refuses ids when 4 full queries run and 4 wait', async () => {
    const { load, queries, end, mostRunning } = loader({ slow: true });
    const all = load(ids(45_000));
    await sleep(20);
    expect(queries.map(({ length }) => length)).toEqual([5000, 5000, 5000, 5000]);
    expect(await load(['new'])).toBe(false);
    end();
    expect(await all).toBe(false);
    expect(queries.flat()).toEqual(ids(40_000));
    expect(mostRunning()).toBe(4);
    expect(await load(['new'])).toBe(true);
  });
});
