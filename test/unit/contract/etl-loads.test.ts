import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEtlLoad } from '../../../contract/etl-loads.ts';
import { silverTables } from '../../../domain/schema/silver-tables.ts';
import type { EtlLoad } from '../../../domain/warming/etl-load.ts';
import { MAX_SCOPE_IDS } from '../../../domain/warming/warm-scope.ts';

/** A load with every field. */
const fullLoad: EtlLoad = {
  tables: ['kol_content', 'kol_profiles'],
  loadedAt: '2026-01-01T03:00:00+01:00',
  pipeline: 'nightly',
  runId: 'scheduled__2026-01-01T03:00:00+00:00',
  platforms: ['tiktok'],
  ids: ['1', '9007199254740993'],
};

describe('parseEtlLoad', () => {
  test('accepts a load with every field, and one with tables only', () => {
    expect(parseEtlLoad(fullLoad)).toEqual({ load: fullLoad, problems: [] });
    expect(parseEtlLoad({ tables: ['kol_content'] })).toEqual({
      load: { tables: ['kol_content'] },
      problems: [],
    });
  });

  test('takes null as absent, and accepts snake_case names', () => {
    const { tables, loadedAt, runId } = fullLoad;
    expect(parseEtlLoad({ tables, loaded_at: loadedAt, run_id: runId, ids: null, platforms: null })).toEqual({
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
  ])('refuses a load that is %s', (_what, given) => {
    const { load, problems } = parseEtlLoad(given);
    expect(load).toBeNull();
    expect(problems).toMatchObject([
      { name: 'load', accepted: expect.stringContaining('{"tables"') as string },
    ]);
  });

  test.each([[undefined], [[]], ['kol_content'], [{}], [['kol_contents']], [[7, null]]])(
    'refuses a load of tables %j and names the accepted ones',
    (tables) => {
      const { load, problems } = parseEtlLoad({ tables });
      expect(load).toBeNull();
      expect(problems).toMatchObject([{ name: 'tables' }]);
      for (const table of silverTables) expect(problems[0]?.accepted).toContain(table);
    },
  );

  test('refuses a load that lists too many tables', () => {
    const { load, problems } = parseEtlLoad({ tables: Array.from({ length: 1001 }, () => 'kol_content') });
    expect(load).toBeNull();
    expect(problems).toMatchObject([{ name: 'tables', given: 'a list of 1001' }]);
  });

  test('keeps the known tables of a load and names the unknown ones', () => {
    const { load, problems } = parseEtlLoad({
      tables: ['kol_content', 'a_table_of_another_team', '__proto__'],
    });
    expect(load).toEqual({ tables: ['kol_content'] });
    expect(problems).toMatchObject([{ name: 'tables', given: ['a_table_of_another_team', '__proto__'] }]);
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
  ])('widens the load to whole tables when %s is %j', (name, value) => {
    const { load, problems } = parseEtlLoad({ ...fullLoad, [name]: value });
    const { ids: _ids, platforms: _platforms, ...rest } = fullLoad;
    expect(load).toEqual(rest);
    expect(problems).toMatchObject([{ name, accepted: expect.stringContaining('leave') as string }]);
  });

  test.each([
    ['loadedAt', 'yesterday'],
    ['loadedAt', '2026-01-01T03:00:00'],
    ['loadedAt', '2026-13-01T03:00:00Z'],
    ['runId', 7],
    ['pipeline', ''],
  ])('leaves out %s when it is %j', (name, value) => {
    const { load, problems } = parseEtlLoad({ ...fullLoad, [name]: value });
    expect(load).toEqual(Object.fromEntries(Object.entries(fullLoad).filter(([key]) => key !== name)));
    expect(problems).toMatchObject([{ name, given: value }]);
  });

  test('names unknown fields, also those that every object inherits', () => {
    const given = JSON.parse(
      '{"tables": ["kol_content"], "tabels": [], "__proto__": 1, "constructor": 2}',
    ) as object;
    const { load, problems } = parseEtlLoad(given);
    expect(load).toEqual({ tables: ['kol_content'] });
    expect(problems.map(({ name }) => name)).toEqual(['tabels', '__proto__', 'constructor']);
  });

  test('shortens long values', () => {
    const { problems } = parseEtlLoad({
      tables: ['x'.repeat(1000)],
      ['y'.repeat(1000)]: { z: 'z'.repeat(1000) },
    });
    expect(JSON.stringify(problems).length).toBeLessThan(600);
  });

  test('never throws, and what it returns is a load without problems', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ tables: fc.jsonValue(), ids: fc.jsonValue(), runId: fc.jsonValue() }),
        ),
        (given) => {
          const { load, problems } = parseEtlLoad(given);
          if (load === null) expect(problems).not.toEqual([]);
          else expect(parseEtlLoad(load)).toEqual({ load, problems: [] });
        },
      ),
    );
  });
});
