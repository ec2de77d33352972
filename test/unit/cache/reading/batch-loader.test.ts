import { describe, expect, test } from 'vitest';
import { createBatchLoader } from '../../../../cache/reading/batch-loader.ts';

interface Thing {
  readonly id: string;
}

/** A source that has all ids except those that start with "no", and answers in reverse order. */
function createSource() {
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

describe('createBatchLoader', () => {
  test('combines concurrent look-ups into one query, and gives each its own answer', async () => {
    const { batches, load } = createSource();
    expect(await Promise.all(['a', 'nobody', 'b'].map(load))).toEqual([{ id: 'a' }, null, { id: 'b' }]);
    expect(batches).toEqual([['a', 'nobody', 'b']]);
  });

  test('puts at most 200 ids into one query', async () => {
    const { batches, load } = createSource();
    await Promise.all(Array.from({ length: 450 }, (_, index) => load(`id${index}`)));
    expect(batches.map(({ length }) => length)).toEqual([200, 200, 50]);
  });

  test('fails only the look-ups of a failed query', async () => {
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
