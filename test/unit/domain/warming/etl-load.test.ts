import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkLoad,
  duplicateKeyOf,
  mergePartsAndScopes,
  partsAndScopesOf,
  type EtlLoad,
} from '../../../../domain/warming/etl-load.ts';
import { silverTables } from '../../../../domain/schema/silver-tables.ts';
import { MAX_SCOPE_IDS, partsOfTables } from '../../../../domain/warming/warm-parts.ts';

const whole: EtlLoad = {
  tables: ['kol_content', 'kol_profiles'],
  loadedAt: '2026-01-01T03:00:00+01:00',
  pipeline: 'nightly',
  runId: 'scheduled__2026-01-01T03:00:00+00:00',
  platforms: ['tiktok'],
  ids: ['1', '9007199254740993'],
};

describe('checkLoad', () => {
  test('takes a load with all that it can say, and one with its tables only', () => {
    expect(checkLoad(whole)).toEqual({ load: whole, problems: [] });
    expect(checkLoad({ tables: ['kol_content'] })).toEqual({
      load: { tables: ['kol_content'] },
      problems: [],
    });
  });

  test('takes null for what is not said, and snake_case names', () => {
    const { tables, loadedAt, runId } = whole;
    expect(checkLoad({ tables, loaded_at: loadedAt, run_id: runId, ids: null, platforms: null })).toEqual({
      load: { tables, loadedAt, runId },
      problems: [],
    });
  });

  test.each([
    ['text', 'kol_content'],
    ['a list', [{ tables: ['kol_content'] }]],
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
  ])('has nothing of a load that is %s', (_what, given) => {
    const { load, problems } = checkLoad(given);
    expect(load).toBeNull();
    expect(problems).toMatchObject([
      { name: 'load', accepted: expect.stringContaining('{"tables"') as string },
    ]);
  });

  test.each([[undefined], [[]], ['kol_content'], [{}], [['kol_contents']], [[7, null]]])(
    'has nothing of a load of tables %j, and names the accepted ones',
    (tables) => {
      const { load, problems } = checkLoad({ tables });
      expect(load).toBeNull();
      expect(problems).toMatchObject([{ name: 'tables' }]);
      for (const table of silverTables) expect(problems[0]?.accepted).toContain(table);
    },
  );

  test('keeps the known of several tables, and names the unknown ones', () => {
    const { load, problems } = checkLoad({
      tables: ['kol_content', 'a_table_of_somebody_else', '__proto__'],
    });
    expect(load).toEqual({ tables: ['kol_content'] });
    expect(problems).toMatchObject([{ name: 'tables', given: ['a_table_of_somebody_else', '__proto__'] }]);
  });

  test.each([
    ['ids', []],
    ['ids', 'zoe'],
    ['ids', [1]],
    ['ids', ['a', 'b\u0000']],
    ['ids', Array.from({ length: MAX_SCOPE_IDS + 1 }, String)],
    ['platforms', ['TikTok']],
    ['platforms', ['all']],
    ['platforms', ['tiktok', '{x}:y']],
    ['platforms', {}],
  ])('refreshes more rather than less where %s is %j', (name, value) => {
    const { load, problems } = checkLoad({ ...whole, [name]: value });
    const { ids: _ids, platforms: _platforms, ...rest } = whole;
    expect(load).toEqual(rest);
    expect(problems).toMatchObject([{ name, accepted: expect.stringContaining('leave') as string }]);
  });

  test.each([
    ['loadedAt', 'yesterday'],
    ['loadedAt', '2026-01-01T03:00:00'],
    ['loadedAt', '2026-13-01T03:00:00Z'],
    ['runId', 7],
    ['pipeline', ''],
  ])('leaves out %s where it is %j', (name, value) => {
    const { load, problems } = checkLoad({ ...whole, [name]: value });
    expect(load).toEqual(Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name)));
    expect(problems).toMatchObject([{ name, given: value }]);
  });

  test('names unknown fields, also ones with names of its own objects', () => {
    const given = JSON.parse(
      '{"tables": ["kol_content"], "tabels": [], "__proto__": 1, "constructor": 2}',
    ) as object;
    const { load, problems } = checkLoad(given);
    expect(load).toEqual({ tables: ['kol_content'] });
    expect(problems.map(({ name }) => name)).toEqual(['tabels', '__proto__', 'constructor']);
  });

  test('shows long values shortened', () => {
    const { problems } = checkLoad({
      tables: ['x'.repeat(1000)],
      ['y'.repeat(1000)]: { z: 'z'.repeat(1000) },
    });
    expect(JSON.stringify(problems).length).toBeLessThan(600);
  });

  test('never throws, and what it gives is a load without problems', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ tables: fc.jsonValue(), ids: fc.jsonValue(), runId: fc.jsonValue() }),
        ),
        (given) => {
          const { load, problems } = checkLoad(given);
          if (load === null) expect(problems).not.toEqual([]);
          else expect(checkLoad(load)).toEqual({ load, problems: [] });
        },
      ),
    );
  });
});

describe('duplicateKeyOf', () => {
  const key = duplicateKeyOf(whole);

  test('is the same for the same, in whatever order and whenever it was loaded', () => {
    expect(
      duplicateKeyOf({ ...whole, tables: whole.tables.toReversed(), ids: whole.ids?.toReversed() ?? [] }),
    ).toBe(key);
    expect(duplicateKeyOf({ ...whole, loadedAt: '2026-02-02T00:00:00Z' })).toBe(key);
  });

  test.each([
    { tables: ['kol_content'] },
    { pipeline: 'hourly' },
    { runId: 'another' },
    { platforms: ['twitter'] },
    { ids: ['1'] },
    { ids: ['19007199254740993'] },
  ])('is another one with %j', (change) => {
    expect(duplicateKeyOf({ ...whole, ...change })).not.toBe(key);
  });

  test('is of no load that names no run', () => {
    expect(duplicateKeyOf({ tables: ['kol_content'], pipeline: 'nightly' })).toBeUndefined();
  });

  test('stays short however long the load', () => {
    const ids = Array.from({ length: MAX_SCOPE_IDS }, (_, index) => String(index).padStart(256, 'x'));
    expect(duplicateKeyOf({ ...whole, ids })).toHaveLength(16);
  });

  test('tells apart what differs in one character', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) =>
      duplicateKeyOf({ tables: ['kol_content'], runId: `run-${index}` }),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('partsAndScopesOf', () => {
  test.each(silverTables)('a load of %s makes whole all parts that read it', (table) => {
    expect(partsAndScopesOf([{ tables: [table] }])).toEqual({ parts: partsOfTables([table]), scopes: {} });
  });

  test('a load of platforms scopes each of them', () => {
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

  test('several loads: the scopes of a part are merged, and a load of all of it takes all of it', () => {
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

  test('is the same in whatever steps the loads are put together', () => {
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
