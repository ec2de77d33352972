import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseTableRead,
  maxChangedShare,
  type CachedFiles,
} from '../../../../domain/warming/changed-files.ts';
import type { DataFile } from '../../../../domain/warming/table-version.ts';

const fileOf = (path: string, bytes = 100, modifiedMs = 0): DataFile => ({
  path,
  bytes: String(bytes),
  modifiedMs,
});
const cachedOf = (files: readonly DataFile[], more: Partial<CachedFiles> = {}): CachedFiles => ({
  version: 'files before',
  columns: 'a',
  idsRepeat: false,
  files,
  ...more,
});
const listOf = (files: readonly DataFile[], columns = 'a') => ({ version: 'files now', columns, files });

describe('what to read of a changed table', () => {
  test.each([
    ['the last list of files is not known', null, listOf([fileOf('a')]), /not known/],
    ['the columns have changed', cachedOf([fileOf('a')]), listOf([fileOf('a')], 'b'), /columns/],
    [
      'a file is gone and ids repeat',
      cachedOf([fileOf('a'), fileOf('b')], { idsRepeat: true }),
      listOf([fileOf('a')]),
      /several rows/,
    ],
    [
      'most of the rows are new',
      cachedOf([fileOf('a', 10)]),
      listOf([fileOf('a', 10), fileOf('b', 11)]),
      /1 of 2 files are new/,
    ],
  ])('is all when %s', (_, cached, now, reason) => {
    expect(chooseTableRead(cached, now, 0.5)).toEqual({
      kind: 'all',
      reason: expect.stringMatching(reason) as string,
    });
  });

  test('is only the new files after an append, also where ids repeat', () => {
    const now = listOf([fileOf('a'), fileOf('b', 10)]);
    for (const idsRepeat of [false, true])
      expect(chooseTableRead(cachedOf([fileOf('a')], { idsRepeat }), now, 0.5)).toEqual({
        kind: 'files',
        paths: ['b'],
        filesAreGone: false,
      });
  });

  test('is a file that was written again under its old name, and its old rows are gone', () => {
    const cached = cachedOf([fileOf('a', 100, 1), fileOf('b', 10, 1)]);
    const now = listOf([fileOf('a', 100, 1), fileOf('b', 10, 2)]);
    expect(chooseTableRead(cached, now, 0.5)).toEqual({ kind: 'files', paths: ['b'], filesAreGone: true });
  });

  // A table is a list of files, each with rows; an id is in one file. The cache follows the decision.
  const rowsOfFile = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 6 });
  const table = fc.array(rowsOfFile, { maxLength: 8 }).map((files) => {
    const seen = new Set<number>();
    return files.map((ids) => ids.filter((id) => !seen.has(id) && seen.add(id)));
  });
  test('gives the same cache as a read of all rows, for any change of the files', () => {
    fc.assert(
      fc.property(table, table, fc.double({ min: 0, max: 1, noNaN: true }), (before, after, maxShare) => {
        // The content of a file is its name: equal files are the same file.
        const filesOf = (files: number[][]) =>
          [...new Map(files.map((ids) => [ids.join('-'), ids]))].map(
            ([path, ids]) => [fileOf(path, ids.length + 1), ids] as const,
          );
        const cached = cachedOf(filesOf(before).map(([file]) => file));
        const now = listOf(filesOf(after).map(([file]) => file));
        const read = chooseTableRead(cached, now, maxShare);
        if (read.kind === 'all') return;
        const wanted = new Set(after.flat());
        const keys = new Set(before.flat());
        for (const [{ path }, ids] of filesOf(after))
          if (read.paths.includes(path)) for (const id of ids) keys.add(id);
        if (read.filesAreGone) for (const id of keys) if (!wanted.has(id)) keys.delete(id);
        expect([...keys].sort()).toEqual([...wanted].sort());
      }),
    );
  });
});

test.each([
  [1_000_000, 0, 0.5],
  [1_000_000, 1000, 0.06],
  [1_000_000, 100_000, 0.5],
  [100, 1, 0.5],
])(
  'new files of a table with %d rows and a limit of %d writes a second may hold %d of it',
  (rows, rate, share) => {
    expect(maxChangedShare(rows, rate)).toBe(share);
  },
);
