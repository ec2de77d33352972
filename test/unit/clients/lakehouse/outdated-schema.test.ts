import { describe, expect, test } from 'vitest';
import { createReadsById } from '../../../../clients/lakehouse/reads/by-id.ts';
import {
  createSilverCatalog,
  createSilverReader,
  SourceSchemaError,
} from '../../../../clients/lakehouse/silver-catalog.ts';
import type { Trino } from '../../../../clients/lakehouse/trino.ts';
import { TrinoQueryError } from '../../../../clients/lakehouse/trino-errors.ts';
import { profile } from '../../../../domain/entities/profile.ts';
import { silver } from '../../../../domain/schema/silver-tables.ts';

/** A lakehouse of one profile. `names` has the columns of its table under their names now; empty when the table is gone. */
function lakehouseOf() {
  const state = {
    names: Object.keys(silver.kol_profiles),
    /** A column that information_schema lists and a query does not find. */
    lost: '',
    /** The table is missing for the next query only. */
    isMissingOnce: false,
    checks: 0,
    reads: 0,
  };
  const trino = {
    rows(sql: string) {
      if (sql.includes('information_schema')) {
        state.checks += 1;
        return Promise.resolve(
          state.names.map((name) => {
            const known = silver.kol_profiles[name as keyof typeof silver.kol_profiles] as
              { field: { accepts: readonly string[] } } | undefined;
            return ['kol_profiles', name, known?.field.accepts[0] ?? 'varchar'];
          }),
        );
      }
      state.reads += 1;
      const isMissing = state.names.length === 0 || state.isMissingOnce;
      state.isMissingOnce = false;
      if (isMissing) return Promise.reject(new TrinoQueryError('q', 'TABLE_NOT_FOUND', 'USER_ERROR', ''));
      const [, unknown] = [...sql.matchAll(/"(\w+)" AS VARCHAR/g)].find(
        ([, name = '']) => !state.names.includes(name) || name === state.lost,
      ) ?? [undefined, undefined];
      return unknown === undefined
        ? Promise.resolve([Object.keys(profile.columns).map((name) => (name === 'kol_id' ? '1' : null))])
        : Promise.reject(new TrinoQueryError('q', 'COLUMN_NOT_FOUND', 'USER_ERROR', unknown));
    },
  } as unknown as Trino;
  const catalog = createSilverCatalog(trino, { catalog: 'c', schema: 's', maxAgeSeconds: 300 });
  return { state, read: () => createReadsById(createSilverReader(trino, catalog)).profilesById(['1']) };
}

describe('a read after the tables have changed since the last schema check', () => {
  test('finds a column under its other name', async () => {
    const { state, read } = lakehouseOf();
    expect(await read()).toHaveLength(1);
    state.names = state.names.map((name) => (name === 'description' ? 'bio' : name));
    expect(await read()).toHaveLength(1);
    expect(state.checks).toBe(2);
  });

  test('fails while the table is gone, and works as soon as it is there again', async () => {
    const { state, read } = lakehouseOf();
    expect(await read()).toHaveLength(1);
    const names = state.names;
    state.names = [];
    await expect(read()).rejects.toThrow(SourceSchemaError);
    state.names = names;
    expect(await read()).toHaveLength(1);
  });

  test('is not sent again when a new schema check finds the same columns', async () => {
    const { state, read } = lakehouseOf();
    state.lost = 'description';
    await expect(read()).rejects.toMatchObject({ errorName: 'COLUMN_NOT_FOUND' });
    expect(state).toMatchObject({ reads: 1, checks: 2 });
  });

  test('is sent again when the table was missing for a moment', async () => {
    const { state, read } = lakehouseOf();
    state.isMissingOnce = true;
    expect(await read()).toHaveLength(1);
    expect(state).toMatchObject({ reads: 2, checks: 2 });
  });
});
