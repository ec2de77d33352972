import { describe, expect, test } from 'vitest';
import { createBatchLoader } from '../../../../cache/reading/batch-loader.ts';

interface Thing {
  readonly id: string;
}

/** A source that has every id but those that start with "no", and answers in an order of its own. */
function source() {
  const batches: (readonly string[])[] = [];
  const load = createBatchLoader<Thing>(
    (ids) => {
      batches.push(ids);
      return Promise.resolve(
        ids
          .filter((id) => !id.startsWith('no'))
          .map((id) => ({ id }))
          .reverse(),
      );
    },
    ({ id }) => id,
  );
  return { batches, load };
}

describe('batch loader', () => {
  test('look-ups of one moment share one query, and each gets its own answer', async () => {
    const { batches, load } = source();
    expect(await Promise.all(['a', 'nobody', 'b'].map(load))).toEqual([{ id: 'a' }, null, { id: 'b' }]);
    expect(batches).toEqual([['a', 'nobody', 'b']]);
  });

  test('a query asks for 200 ids at most', async () => {
    const { batches, load } = source();
    await Promise.all(Array.from({ length: 450 }, (_, index) => load(`id${index}`)));
    expect(batches.map(({ length }) => length)).toEqual([200, 200, 50]);
  });

  test('a failed query fails its look-ups only', async () => {
    let down = true;
    const load = createBatchLoader<Thing>(
      (ids) => (down ? Promise.reject(new Error('down')) : Promise.resolve(ids.map((id) => ({ id })))),
      ({ id }) => id,
    );
    await expect(load('a')).rejects.toThrow('down');
    down = false;
    expect(await load('a')).toEqual({ id: 'a' });
  });
});
