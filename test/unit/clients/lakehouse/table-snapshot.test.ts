import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTableSnapshot } from '../../../../clients/lakehouse/lookup-cache.ts';

const MAX_AGE_MS = 1000;

/** A snapshot of a table whose rows the test changes. `loadErrors` has the error that ends each load, if any. */
function snapshotOf(rows: string[], { maxRows = 100, loadErrors = [] as (Error | undefined)[] } = {}) {
  const errors: unknown[] = [];
  let loads = 0;
  const lookUp = createTableSnapshot<string>(
    async function* () {
      const loadError = loadErrors[loads++];
      await Promise.resolve();
      for (const row of [...rows]) yield [row];
      if (loadError !== undefined) throw loadError;
    },
    (row) => row,
    { maxRows, maxAgeMs: MAX_AGE_MS, onError: (error) => errors.push(error) },
  );
  return { lookUp, errors, loads: () => loads };
}

const loaded = () => vi.advanceTimersByTimeAsync(0);

describe('a table snapshot', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('loads when it is created, then knows which ids exist', async () => {
    const { lookUp } = snapshotOf(['a']);
    expect(lookUp('a')).toBeUndefined();
    await loaded();
    expect([lookUp('a'), lookUp('b')]).toEqual([['a'], []]);
  });

  test('reloads when a lookup finds it stale, and serves the old rows until then', async () => {
    const rows = ['a'];
    const { lookUp, loads } = snapshotOf(rows);
    await loaded();
    rows.push('b');
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.7);
    expect([lookUp('b'), loads()]).toEqual([[], 1]);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.2);
    expect([lookUp('b'), loads()]).toEqual([[], 2]);
    await loaded();
    expect([lookUp('b'), loads()]).toEqual([['b'], 2]);
  });

  test('does not reload without lookups, and does not serve rows that are too old', async () => {
    const { lookUp, loads } = snapshotOf(['a']);
    await loaded();
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 5);
    expect(loads()).toBe(1);
    expect(lookUp('a')).toBeUndefined();
  });

  test('keeps the old rows after a failed reload, until they are too old', async () => {
    const rows = ['a'];
    const { lookUp, errors } = snapshotOf(rows, {
      loadErrors: [undefined, new Error('gone'), new Error('gone')],
    });
    await loaded();
    rows.splice(0);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.8);
    lookUp('a');
    await loaded();
    expect([lookUp('a'), errors.length]).toEqual([['a'], 1]);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.2);
    expect(lookUp('a')).toBeUndefined();
  });

  test('tries a failed load again soon', async () => {
    const { lookUp, loads } = snapshotOf(['a'], { loadErrors: [new Error('changed')] });
    await loaded();
    expect([lookUp('a'), loads()]).toEqual([undefined, 1]);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.1);
    lookUp('a');
    await loaded();
    expect(lookUp('a')).toEqual(['a']);
  });

  test('has no answer for missing ids when the table is empty', async () => {
    const { lookUp } = snapshotOf([]);
    await loaded();
    expect(lookUp('a')).toBeUndefined();
  });

  test('accepts a table that lost most of its rows only when the next load confirms it', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => `id-${index}`);
    const { lookUp } = snapshotOf(rows);
    await loaded();
    rows.splice(10);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.8);
    lookUp('id-0');
    await loaded();
    expect([lookUp('id-0'), lookUp('id-39')]).toEqual([['id-0'], undefined]);
    await vi.advanceTimersByTimeAsync(MAX_AGE_MS * 0.1);
    lookUp('id-0');
    await loaded();
    expect([lookUp('id-0'), lookUp('id-39')]).toEqual([['id-0'], []]);
  });

  test('has all rows of an id', async () => {
    const { lookUp } = snapshotOf(['a', 'a', 'b']);
    await loaded();
    expect(lookUp('a')).toEqual(['a', 'a']);
  });

  test('keeps the first rows of a too large table, and has no answer for ids that may have more', async () => {
    const { lookUp } = snapshotOf(['a', 'a', 'b', 'c', 'c', 'd'], { maxRows: 3 });
    await loaded();
    expect(['a', 'b', 'c', 'd', 'e'].map(lookUp)).toEqual([
      ['a', 'a'],
      ['b'],
      undefined,
      undefined,
      undefined,
    ]);
  });
});
