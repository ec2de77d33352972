import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTableSnapshot } from '../../../../clients/lakehouse/table-snapshot.ts';

const KEPT_MS = 1000;

/** A table whose rows are changed by the test; `ends` tells how each reading of it ends. */
function table(rows: string[], { most = 100, ends = [] as (Error | undefined)[] } = {}) {
  const errors: unknown[] = [];
  let readings = 0;
  const preloaded = createTableSnapshot<string>(
    async function* () {
      const end = ends[readings++];
      await Promise.resolve();
      for (const row of [...rows]) yield [row];
      if (end !== undefined) throw end;
    },
    (row) => row,
    { most, keptMs: KEPT_MS, onError: (error) => errors.push(error) },
  );
  return { preloaded, errors, readings: () => readings };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('a preloaded table', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('is read at once, and says who is in it and who is nowhere', async () => {
    const { preloaded } = table(['a']);
    expect(preloaded('a')).toBeUndefined();
    await settled();
    expect([preloaded('a'), preloaded('b')]).toEqual(['a', null]);
  });

  test('is read anew when it is wanted and growing old, and serves meanwhile', async () => {
    const rows = ['a'];
    const { preloaded, readings } = table(rows);
    await settled();
    rows.push('b');
    await vi.advanceTimersByTimeAsync(KEPT_MS * 0.7);
    expect([preloaded('b'), readings()]).toEqual([null, 1]);
    await vi.advanceTimersByTimeAsync(KEPT_MS * 0.2);
    expect([preloaded('b'), readings()]).toEqual([null, 2]);
    await settled();
    expect([preloaded('b'), readings()]).toEqual(['b', 2]);
  });

  test('that is not wanted is not read, and what is too old says nothing', async () => {
    const { preloaded, readings } = table(['a']);
    await settled();
    await vi.advanceTimersByTimeAsync(KEPT_MS * 5);
    expect(readings()).toBe(1);
    expect(preloaded('a')).toBeUndefined();
  });

  test('that could not be read to its end leaves the copy before in place, until that is too old', async () => {
    const rows = ['a'];
    const { preloaded, errors } = table(rows, { ends: [undefined, new Error('gone'), new Error('gone')] });
    await settled();
    rows.splice(0);
    await vi.advanceTimersByTimeAsync(KEPT_MS * 0.8);
    preloaded('a');
    await settled();
    expect([preloaded('a'), errors.length]).toEqual(['a', 1]);
    await vi.advanceTimersByTimeAsync(KEPT_MS * 0.2);
    expect(preloaded('a')).toBeUndefined();
  });

  test('that is too large is kept in part, and says nothing of others', async () => {
    const { preloaded } = table(['a', 'b', 'c', 'd'], { most: 2 });
    await settled();
    expect(['a', 'c', 'd', 'e'].map(preloaded)).toEqual(['a', 'c', undefined, undefined]);
  });
});
