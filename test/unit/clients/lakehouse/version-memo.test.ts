import { describe, expect, test, vi } from 'vitest';
import { createVersionMemo } from '../../../../clients/lakehouse/version-memo.ts';
import type { TableVersion, TableVersions } from '../../../../domain/warming/table-version.ts';

const snapshot = (id: string): TableVersions => ({ kol_profiles: { kind: 'snapshot', id, since: '' } });
const unknown: TableVersions = { kol_profiles: { kind: 'unknown' } satisfies TableVersion };

describe('the memo of a table', () => {
  const counting = () => {
    let queries = 0;
    return () => Promise.resolve((queries += 1));
  };

  test('queries once for each version', async () => {
    const [memo, query] = [createVersionMemo<number>(), counting()];
    const of = (versions: TableVersions) => memo.of('kol_profiles', versions, query);
    expect(await Promise.all([of(snapshot('1')), of(snapshot('1'))])).toEqual([1, 1]);
    expect([await of(snapshot('2')), await of(snapshot('2'))]).toEqual([2, 2]);
    expect(await memo.of('kol_content', snapshot('2'), query)).toBe(3);
  });

  test('queries each time for an unknown version', async () => {
    const [memo, query] = [createVersionMemo<number>({ maxAgeMs: 60_000 }), counting()];
    const answers = [1, 2].map(() => memo.of('kol_profiles', unknown, query));
    expect(await Promise.all(answers)).toEqual([1, 2]);
  });

  test('gives a reader without a version an answer of a limited age', async () => {
    vi.useFakeTimers();
    try {
      const [memo, query] = [createVersionMemo<number>({ maxAgeMs: 1000 }), counting()];
      const of = () => memo.of('kol_profiles', {}, query);
      expect(await memo.of('kol_profiles', snapshot('1'), query)).toBe(1);
      vi.advanceTimersByTime(999);
      expect(await of()).toBe(1);
      vi.advanceTimersByTime(1);
      expect(await of()).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('does not remember a failure, and a failure does not remove a later answer', async () => {
    const memo = createVersionMemo<string>();
    let fail = (_error: Error) => {};
    const failing = memo.of('kol_profiles', snapshot('1'), () => new Promise((_, reject) => (fail = reject)));
    const later = memo.of('kol_profiles', snapshot('2'), () => Promise.resolve('kept'));
    fail(new Error('Trino is down'));
    await expect(failing).rejects.toThrow('Trino is down');
    expect(await later).toBe('kept');
    expect(await memo.of('kol_profiles', snapshot('2'), () => Promise.resolve('asked'))).toBe('kept');
    expect(await memo.of('kol_profiles', snapshot('1'), () => Promise.resolve('asked'))).toBe('asked');
  });

  test('cancels a query when the last of its readers has left, and not before', async () => {
    const memo = createVersionMemo<string>();
    const [one, other] = [new AbortController(), new AbortController()];
    let cancelled: AbortSignal | undefined;
    const readings = [one, other].map(({ signal }) =>
      memo.of('kol_profiles', snapshot('1'), (shared) => new Promise(() => (cancelled = shared)), signal),
    );
    const failures = Promise.allSettled(readings);
    one.abort(new Error('one part was cancelled'));
    expect(cancelled?.aborted).toBe(false);
    other.abort(new Error('the other one too'));
    expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(cancelled?.aborted).toBe(true);
    expect(await memo.of('kol_profiles', snapshot('1'), () => Promise.resolve('asked'))).toBe('asked');
  });
});
