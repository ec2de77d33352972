import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createSilverCatalog } from '../../../../clients/lakehouse/silver-catalog.ts';
import type { Trino } from '../../../../clients/lakehouse/trino.ts';
import { TrinoQueryError, UnreadableIdError } from '../../../../clients/lakehouse/trino-errors.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { silver } from '../../../../domain/schema/silver-tables.ts';
import type { TableVersions } from '../../../../domain/warming/table-version.ts';

const PAUSES_MS = [5, 20];
const VERSIONS: TableVersions = { kol_profiles: { kind: 'snapshot', id: '1', since: '' } };

const errorOf = (name: string, type = 'EXTERNAL') => new TrinoQueryError('q', name, type, 'words');
const NOT_SUPPORTED = errorOf('NOT_SUPPORTED', 'USER_ERROR');

/** A catalog over a Trino whose columns fail as the test defines. */
function catalogOf(failing: Record<string, (attempt: number) => Error | undefined>) {
  const checks: Record<string, number> = {};
  const types: Record<string, string> = {};
  const trino = {
    rows(sql: string) {
      if (sql.includes('information_schema'))
        return Promise.resolve(
          Object.entries(silver).flatMap(([table, columns]) =>
            Object.entries(columns).map(([name, { field }]) => [
              table,
              name,
              types[name] ?? field.accepts[0] ?? '',
            ]),
          ),
        );
      const column = /count\("?(\w+)"?\)/.exec(sql)?.[1] ?? '';
      const attempt = (checks[column] ?? 0) + 1;
      checks[column] = attempt;
      const error = failing[column]?.(attempt);
      return error === undefined ? Promise.resolve([['1']]) : Promise.reject(error);
    },
  } as unknown as Trino;
  const catalog = createSilverCatalog(trino, {
    catalog: 'hive',
    schema: 's',
    maxAgeSeconds: 0,
    checkPausesMs: PAUSES_MS,
  });
  const find = (error: Error, versions = VERSIONS) => catalog.learnFrom(error, ['kol_profiles'], versions);
  /** The columns that a query of all profiles lacks. */
  const unreadable = async (versions = VERSIONS) => {
    const source = await catalog.source(versions);
    source.select(profile);
    return source.unreadable().map(({ column }) => column);
  };
  return { find, unreadable, checks, types, catalog };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

describe('a column whose check fails with an error that Trino also gives for faults of the storage', () => {
  test.each(['ICEBERG_CURSOR_ERROR', 'HIVE_CURSOR_ERROR', 'GENERIC_INTERNAL_ERROR'])(
    'can be read when the error (%s) does not repeat',
    async (name) => {
      const failing = (attempt: number) => (attempt <= 2 ? errorOf(name) : undefined);
      const { find, unreadable, checks } = catalogOf({ followers_count: failing });
      expect(await find(errorOf(name))).toBe(false);
      expect(await unreadable()).toEqual([]);
      expect(checks['followers_count']).toBe(3);
    },
  );

  test.each(['ICEBERG_CURSOR_ERROR', 'GENERIC_INTERNAL_ERROR'])(
    'cannot be read when the error (%s) repeats after each pause',
    async (name) => {
      const failedAt: number[] = [];
      const { find, unreadable } = catalogOf({
        followers_count: () => (failedAt.push(performance.now()), errorOf(name)),
      });
      expect(await find(errorOf(name))).toBe(true);
      expect(await unreadable()).toEqual(['followers_count']);
      expect(failedAt).toHaveLength(3);
      expect((failedAt[2] ?? 0) - (failedAt[0] ?? 0)).toBeGreaterThanOrEqual(20);
    },
  );

  test('can be checked when another error follows: that one is thrown', async () => {
    const failing = (attempt: number) =>
      attempt === 1 ? errorOf('ICEBERG_CURSOR_ERROR') : errorOf('NO_NODES_AVAILABLE');
    const { find } = catalogOf({ followers_count: failing });
    await expect(find(errorOf('ICEBERG_CURSOR_ERROR'))).rejects.toThrow('NO_NODES_AVAILABLE');
  });
});

test('a column whose files hold another type is found by one check', async () => {
  const { find, unreadable, checks } = catalogOf({ verified: () => NOT_SUPPORTED });
  expect(await find(NOT_SUPPORTED)).toBe(true);
  expect(await unreadable()).toEqual(['verified']);
  expect(checks['verified']).toBe(1);
});

test.each([
  ['of a version', VERSIONS],
  ['of no version', {}],
])('a column %s is read again when its declaration is corrected: the files stay', async (_, versions) => {
  const { find, unreadable, types } = catalogOf({ verified: () => NOT_SUPPORTED });
  await find(NOT_SUPPORTED, versions);
  types['verified'] = 'integer';
  vi.setSystemTime(Date.now() + 1); // the schema is checked again
  expect(await unreadable(versions)).toEqual([]);
});

test('a column that cannot be read is reported to the queries that name it, and to no others', async () => {
  const { find, catalog } = catalogOf({ verified: () => NOT_SUPPORTED });
  await find(NOT_SUPPORTED);
  const source = await catalog.source(VERSIONS);
  source.select({ table: 'kol_profiles', columns: { kol_id: 'kol_id', platform: 'platform' } });
  expect(source.unreadable()).toEqual([]);
  source.text('kol_profiles', 'verified');
  expect(source.unreadable()).toMatchObject([{ table: 'kol_profiles', column: 'verified' }]);
});

test('an unreadable id is a separate error, which a retry would repeat', async () => {
  const { find, unreadable } = catalogOf({
    kol_id: () => errorOf('ICEBERG_CURSOR_ERROR'),
    verified: () => NOT_SUPPORTED,
  });
  const failure = find(errorOf('ICEBERG_CURSOR_ERROR'));
  await expect(failure).rejects.toThrow(UnreadableIdError);
  await expect(failure).rejects.toThrow('ICEBERG_CURSOR_ERROR: words');
  expect(await unreadable()).toEqual([]);
});

test('no column counts as unreadable while none can be read: the storage may be down', async () => {
  const failing: Record<string, () => Error> = {};
  for (const name in silver.kol_profiles) failing[name] = () => errorOf('ICEBERG_CURSOR_ERROR');
  const { find, unreadable } = catalogOf(failing);
  expect(await find(errorOf('ICEBERG_CURSOR_ERROR'))).toBe(false);
  expect(await unreadable()).toEqual([]);
});

test.each([
  ['of a version', VERSIONS, 1_800_000],
  ['of no version', {}, 300_000],
])('a column %s that could not be read is read again after a time', async (_, versions, ageMs) => {
  const { find, unreadable } = catalogOf({ verified: () => NOT_SUPPORTED });
  await find(NOT_SUPPORTED, versions);
  vi.setSystemTime(Date.now() + ageMs - 60_000);
  expect(await unreadable(versions)).toEqual(['verified']);
  vi.setSystemTime(Date.now() + 60_000);
  expect(await unreadable(versions)).toEqual([]);
});
