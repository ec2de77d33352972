import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changedTables,
  msUntilSettled,
  mutableTables,
  versionOfFiles,
  versionTexts,
  type DataFile,
  type TableVersion,
} from '../../../../domain/warming/table-version.ts';

const file = fc.record({
  path: fc.string({ minLength: 1 }),
  bytes: fc.nat().map(String),
  modifiedMs: fc.integer({ min: 1, max: 4_000_000_000_000 }),
});
const files = fc.uniqueArray(file, { minLength: 1, maxLength: 8, selector: ({ path }) => path });
const version = (list: readonly DataFile[]) => versionOfFiles(list, 'columns');
const isSame = (one: readonly DataFile[], other: readonly DataFile[]) =>
  changedTables({ kol_profiles: version(one) }, { kol_profiles: version(other) }).length === 0;

const A: DataFile = { path: 'a', bytes: '10', modifiedMs: 1000 };
const B: DataFile = { path: 'b', bytes: '20', modifiedMs: 5000 };
const SNAPSHOT: TableVersion = {
  kind: 'snapshot',
  id: '6691421330374532937',
  since: '2026-11-28T10:00:00.000Z',
};
const UNKNOWN: TableVersion = { kind: 'unknown' };

describe('the version of a table of files', () => {
  test('does not depend on the order in which Trino lists them', () => {
    fc.assert(fc.property(files, (list) => isSame(list, list.toReversed())));
  });

  test('differs when a file is gone, was added, or was written again with another size or time', () => {
    fc.assert(
      fc.property(files, file, (list, other) => {
        const [first, ...rest] = list as [DataFile, ...DataFile[]];
        expect(isSame(list, rest)).toBe(false);
        expect(isSame(rest, list)).toBe(false);
        for (const change of [{ bytes: `${first.bytes}0` }, { modifiedMs: first.modifiedMs + 1 }])
          expect(isSame(list, [{ ...first, ...change }, ...rest])).toBe(false);
        expect(isSame(list, [...list, { ...other, path: `${list.map(({ path }) => path).join('')}+` }])).toBe(
          false,
        );
      }),
    );
  });

  test('differs when the table declares other columns for the same files', () => {
    fc.assert(
      fc.property(files, fc.string(), fc.string(), (list, columns, others) => {
        const [one, other] = [versionOfFiles(list, columns), versionOfFiles(list, others)];
        expect(changedTables({ kol_profiles: one }, { kol_profiles: other }).length === 0).toBe(
          columns === others,
        );
      }),
    );
  });

  test('does not confuse two files with one whose name holds both', () => {
    expect(isSame([A, B], [{ ...A, path: 'a\n10\n1000","b' }])).toBe(false);
  });
});

test('a snapshot that became the current one again, after a rollback, is another version', () => {
  const again = { ...SNAPSHOT, since: '2026-11-28T11:00:00.000Z' };
  expect(versionTexts({ kol_profiles: again })).not.toEqual(versionTexts({ kol_profiles: SNAPSHOT }));
});

test('versions are stored as texts, and an unknown one as null', () => {
  expect(versionTexts({ kol_profiles: SNAPSHOT, kol_content: UNKNOWN })).toEqual({
    kol_profiles: 'snapshot 6691421330374532937 since 2026-11-28T10:00:00.000Z',
    kol_content: null,
  });
  expect(versionTexts({ kol_profiles: version([A]) })['kol_profiles']).toMatch(/^files [0-9a-f]{16}$/);
});

test('only file tables can change during a read: a snapshot stays readable, and a view has no version', () => {
  const read = { kol_profiles: version([A]), kol_content: SNAPSHOT, kol_trust_features: UNKNOWN };
  expect(mutableTables(read)).toEqual(['kol_profiles']);
  const later = {
    kol_profiles: version([B]),
    kol_content: { ...SNAPSHOT, id: '1' },
    kol_trust_features: UNKNOWN,
  };
  expect(changedTables(read, later)).toEqual(['kol_profiles']);
  // A table that became a view has changed too.
  expect(changedTables(read, { ...read, kol_profiles: UNKNOWN })).toEqual(['kol_profiles']);
});

describe('a table has settled', () => {
  const wait = (versionOf: TableVersion, nowMs: number) =>
    msUntilSettled({ kol_profiles: versionOf }, 10_000, nowMs);

  test('when its newest file is as old as the settle time', () => {
    expect(wait(version([A, B]), 6000)).toBe(9000);
    expect(wait(version([A, B]), 15_000)).toBe(0);
    expect(wait(version([A, B]), 99_000)).toBe(0);
  });

  test('never while it has no files: a load has removed the old ones', () => {
    expect(wait(version([]), 99_000)).toBe(10_000);
  });

  test('always when it has snapshots or no version', () => {
    expect(wait(SNAPSHOT, 0)).toBe(0);
    expect(wait(UNKNOWN, 0)).toBe(0);
  });

  test('with several tables, when the last of them has settled', () => {
    const versions = { kol_profiles: version([A]), kol_content: version([B]) };
    expect(msUntilSettled(versions, 10_000, 6000)).toBe(9000);
  });
});
