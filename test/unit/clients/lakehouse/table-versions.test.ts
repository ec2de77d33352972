import { describe, expect, test } from 'vitest';
import { createSilverCatalog } from '../../../../clients/lakehouse/silver-catalog.ts';
import { TableChangedError } from '../../../../clients/lakehouse/table-changed.ts';
import { createVersionReads } from '../../../../clients/lakehouse/table-versions.ts';
import type { Trino } from '../../../../clients/lakehouse/trino.ts';
import { TrinoQueryError } from '../../../../clients/lakehouse/trino-errors.ts';
import { silver } from '../../../../domain/schema/silver-tables.ts';

/** The query about a kind of table: the branches of Iceberg, the columns of its snapshot, or the files of Hive. */
type Answer = string | unknown[][];

/** The columns of all tables as information_schema lists them. */
const contractColumns = () =>
  Object.entries(silver).flatMap(([table, columns]) =>
    Object.entries(columns).map(([name, { field }]) => [table, name, field.accepts[0]]),
  );

/** What Trino answers for each query: rows, or the name of a USER_ERROR. */
function versionsOf(answers: { refs?: Answer; columns?: Answer; files?: Answer }) {
  const trino = {
    rows(sql: string) {
      if (sql.includes('information_schema')) return Promise.resolve(contractColumns());
      const kind = sql.includes('$refs') ? 'refs' : sql.includes('$path') ? 'files' : 'columns';
      const answer = answers[kind] ?? 'TABLE_NOT_FOUND';
      if (typeof answer !== 'string') return Promise.resolve(answer);
      const [name = '', words = ''] = answer.split(': ');
      return Promise.reject(new TrinoQueryError('q', name, 'USER_ERROR', words));
    },
  } as unknown as Trino;
  return createVersionReads(trino, createSilverCatalog(trino, { catalog: 'c', schema: 's' })).tableVersions([
    'kol_profiles',
  ]);
}

const FILES = [['/part-1', '10', '1000']];
const SNAPSHOT = [['1', '2026-11-29T00:00:00Z']];

describe('the version of a table', () => {
  test('is its files where it has no metadata of Iceberg', async () => {
    expect(await versionsOf({ files: FILES })).toMatchObject({ kol_profiles: { kind: 'files' } });
  });

  test('is its snapshot where it has one', async () => {
    expect(await versionsOf({ refs: SNAPSHOT, columns: [] })).toMatchObject({
      kol_profiles: { kind: 'snapshot', id: '1' },
    });
  });

  test.each([
    ['a view, which has no columns about files', { files: 'COLUMN_NOT_FOUND' }],
    ['a table whose snapshot lacks a column', { refs: SNAPSHOT, columns: 'COLUMN_NOT_FOUND' }],
  ])('is unknown for %s', async (_, answers) => {
    expect(await versionsOf(answers)).toEqual({ kol_profiles: { kind: 'unknown' } });
  });

  test.each([
    ['a load has dropped it', {}, 'TABLE_NOT_FOUND'],
    ['a load has dropped its schema', { refs: 'SCHEMA_NOT_FOUND' }, 'SCHEMA_NOT_FOUND'],
    ['an operator killed the query', { refs: 'ADMINISTRATIVELY_KILLED', files: FILES }, 'KILLED'],
  ])('is an error when %s at this moment', async (_, answers, name) => {
    await expect(versionsOf(answers)).rejects.toThrow(name);
  });

  test('is an error when its snapshot is gone before it is read', async () => {
    const gone = 'INVALID_ARGUMENTS: Iceberg snapshot ID does not exists';
    await expect(versionsOf({ refs: SNAPSHOT, columns: gone })).rejects.toThrow(TableChangedError);
  });
});

test('a table whose version is slow to read delays no other', async () => {
  const trino = {
    rows(sql: string) {
      if (sql.includes('information_schema')) return Promise.resolve(contractColumns());
      if (sql.includes('kol_content')) return new Promise(() => {});
      return Promise.resolve(sql.includes('$refs') ? SNAPSHOT : []);
    },
  } as unknown as Trino;
  const read = createVersionReads(
    trino,
    createSilverCatalog(trino, { catalog: 'c', schema: 's' }),
  ).tableVersions;
  const ending = new AbortController();
  const slow = read(['kol_content'], ending.signal);
  expect(await read(['kol_profiles'])).toMatchObject({ kol_profiles: { id: '1' } });
  ending.abort();
  await expect(slow).rejects.toThrow('aborted');
}, 5000);
