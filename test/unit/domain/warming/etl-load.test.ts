import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  duplicateKeyOf,
  mergePartsAndScopes,
  partsAndScopesOf,
  type EtlLoad,
} from '../../../../domain/warming/etl-load.ts';
import { silverTables } from '../../../../domain/schema/silver-tables.ts';
import { MAX_SCOPE_IDS } from '../../../../domain/warming/warm-scope.ts';
import { partsOfTables } from '../../../../domain/warming/warm-parts.ts';

/** A load with every field. */
const fullLoad: EtlLoad = {
  tables: ['kol_content', 'kol_profiles'],
  loadedAt: '2026-01-01T03:00:00+01:00',
  pipeline: 'nightly',
  runId: 'scheduled__2026-01-01T03:00:00+00:00',
  platforms: ['tiktok'],
  ids: ['1', '9007199254740993'],
};

describe('duplicateKeyOf', () => {
  const key = duplicateKeyOf(fullLoad);

  test('is the same for the same load in another order or loaded at another time', () => {
    expect(
      duplicateKeyOf({
        ...fullLoad,
        tables: fullLoad.tables.toReversed(),
        ids: fullLoad.ids?.toReversed() ?? [],
      }),
    ).toBe(key);
    expect(duplicateKeyOf({ ...fullLoad, loadedAt: '2026-02-02T00:00:00Z' })).toBe(key);
  });

  test.each([
    { tables: ['kol_content'] },
    { pipeline: 'hourly' },
    { runId: 'another' },
    { platforms: ['twitter'] },
    { ids: ['1'] },
    { ids: ['19007199254740993'] },
  ])('is another one for a load with %j', (change) => {
    expect(duplicateKeyOf({ ...fullLoad, ...change })).not.toBe(key);
  });

  test('does not exist for a load without a run id', () => {
    expect(duplicateKeyOf({ tables: ['kol_content'], pipeline: 'nightly' })).toBeUndefined();
  });

  test('is short also for a long load', () => {
    const ids = Array.from({ length: MAX_SCOPE_IDS }, (_, index) => String(index).padStart(256, 'x'));
    expect(duplicateKeyOf({ ...fullLoad, ids })).toHaveLength(16);
  });

  test('differs for run ids that differ in one character', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) =>
      duplicateKeyOf({ tables: ['kol_content'], runId: `run-${index}` }),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('partsAndScopesOf', () => {
  test.each(silverTables)('a load of %s refreshes all parts that read it, whole', (table) => {
    expect(partsAndScopesOf([{ tables: [table] }])).toEqual({ parts: partsOfTables([table]), scopes: {} });
  });

  test('a load of platforms gives each part a scope of these platforms', () => {
    expect(partsAndScopesOf([{ tables: ['kol_content'], platforms: ['tiktok'] }])).toEqual({
      parts: ['rankings', 'trending', 'stats'],
      scopes: {
        rankings: { platforms: ['tiktok'] },
        trending: { platforms: ['tiktok'] },
        stats: { platforms: ['tiktok'] },
      },
    });
  });

  test('a load of ids refreshes only their keys', () => {
    expect(partsAndScopesOf([{ tables: ['kol_profiles'], ids: ['1'] }])).toEqual({
      parts: ['profiles'],
      scopes: { profiles: { ids: ['1'] } },
    });
    expect(partsAndScopesOf([{ tables: ['kol_content'], ids: ['v'], platforms: ['tiktok'] }])).toEqual({
      parts: ['trending'],
      scopes: { trending: { ids: ['v'] } },
    });
    expect(partsAndScopesOf([{ tables: ['kol_trust_features'], ids: ['1'] }])).toEqual({
      parts: [],
      scopes: {},
    });
  });

  test('merges the scopes that several loads give to a part; a load of the whole table removes its scope', () => {
    const ids = partsAndScopesOf([
      { tables: ['kol_profiles'], ids: ['1', '2'] },
      { tables: ['kol_profiles'], ids: ['2', '3'] },
      { tables: ['kol_content'], platforms: ['tiktok'] },
    ]);
    expect(ids.parts).toEqual(['profiles', 'rankings', 'trending', 'stats']);
    expect(ids.scopes).toMatchObject({
      profiles: { ids: ['1', '2', '3'] },
      trending: { platforms: ['tiktok'] },
    });
    const all = mergePartsAndScopes([ids, partsAndScopesOf([{ tables: ['kol_profiles'] }])]);
    expect(all.scopes).toEqual({ trending: { platforms: ['tiktok'] } });
  });

  test('is the same whether loads are merged one by one or together', () => {
    const load = fc.record(
      {
        tables: fc.subarray([...silverTables], { minLength: 1 }),
        ids: fc.subarray(['1', '2', '3'], { minLength: 1 }),
        platforms: fc.subarray(['tiktok', 'twitter'], { minLength: 1 }),
      },
      { requiredKeys: ['tables'] },
    );
    fc.assert(
      fc.property(fc.array(load), (loads) => {
        const stepwise = loads.reduce(
          (sum, one) => mergePartsAndScopes([sum, partsAndScopesOf([one])]),
          partsAndScopesOf([]),
        );
        expect(stepwise).toEqual(partsAndScopesOf(loads));
      }),
    );
  });
});
