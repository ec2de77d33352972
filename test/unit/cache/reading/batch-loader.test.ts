import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
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
    expect(await Promise.all(['a', 'nobody', 'b'].map((id) => load(id)))).toEqual([
      { id: 'a' },
      null,
      { id: 'b' },
    ]);
    expect(batches).toEqual([['a', 'nobody', 'b']]);
  });

  test('answers a look-up also when the process pauses at any moment', async () => {
    let pauses = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => (pauses += 1) * 1000);
    try {
      const { load } = createSource();
      expect(await load('a')).toEqual({ id: 'a' });
    } finally {
      now.mockRestore();
    }
  });

  test('puts at most 1,500 ids into one query', async () => {
    const { batches, load } = createSource();
    await Promise.all(Array.from({ length: 3200 }, (_, index) => load(`id${index}`)));
    expect(batches.map(({ length }) => length)).toEqual([1500, 1500, 200]);
  });

  test('collects all ids that arrive while queries run, so that the number of queries does not grow with the load', async () => {
    const batches: (readonly string[])[] = [];
    const load = createBatchLoader<Thing>(
      async (ids) => {
        batches.push(ids);
        await sleep(100);
        return ids.map((id) => ({ id }));
      },
      ({ id }) => id,
    );
    const loads: Promise<Thing | null>[] = [];
    for (let index = 0; index < 40; index += 1) {
      loads.push(load(`a${index}`), load(`b${index}`));
      await sleep(2);
    }
    const found = await Promise.all(loads);
    expect(found.map((thing) => thing?.id)).toEqual(
      Array.from({ length: 40 }, (_, index) => [`a${index}`, `b${index}`]).flat(),
    );
    // About 100 ms of arrivals, with gaps below 5 ms. A busy machine may stretch that.
    expect(batches.length).toBeLessThanOrEqual(4);
  });

  test('starts a second query after a second, but no third, while a query hangs', async () => {
    const ends: (() => void)[] = [];
    const load = createBatchLoader<Thing>(
      (ids) => new Promise((resolve) => ends.push(() => resolve(ids.map((id) => ({ id }))))),
      ({ id }) => id,
    );
    const loads: Promise<Thing | null>[] = [];
    for (const id of ['a', 'b', 'c', 'd']) {
      loads.push(load(id));
      await sleep(1100);
    }
    expect(ends).toHaveLength(2);
    ends[0]?.();
    expect(await loads[0]).toEqual({ id: 'a' });
    await sleep(20);
    expect(ends).toHaveLength(3); // of c and d
    ends.forEach((end) => end());
    expect(await Promise.all(loads)).toHaveLength(4);
  });

  test('cancels a query when the last of its look-ups has left, and not before', async () => {
    const signals: AbortSignal[] = [];
    const load = createBatchLoader<Thing>(
      (_, signal) => {
        signals.push(signal);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve([])));
      },
      ({ id }) => id,
    );
    const [a, b] = [new AbortController(), new AbortController()];
    const loads = [load('a', a.signal), load('b', b.signal)];
    await sleep(50);
    a.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    b.abort('no request needs it');
    expect(signals.map(({ reason }) => reason as unknown)).toEqual(['no request needs it']);
    await Promise.allSettled(loads);
  });

  test('rejects look-ups that have left while they waited for their turn, and does not query for them', async () => {
    const { batches, load } = createSource();
    const gone = new AbortController();
    const loads = [load('a', gone.signal), load('b')];
    gone.abort(new Error('left'));
    // null would mean that the id does not exist
    expect(await Promise.allSettled(loads)).toMatchObject([
      { status: 'rejected', reason: { message: 'left' } },
      { status: 'fulfilled', value: { id: 'b' } },
    ]);
    const alone = new AbortController();
    const left = load('c', alone.signal);
    alone.abort('without an error');
    await expect(left).rejects.toBe('without an error');
    expect(batches).toEqual([['b']]);
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
