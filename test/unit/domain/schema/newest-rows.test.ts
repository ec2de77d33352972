import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNewestRows, newestRows } from '../../../../domain/schema/newest-rows.ts';

interface Row {
  readonly id: string;
  readonly processed_at: string | null;
}
const idOf = ({ id }: Row) => id;

const row = fc.record({
  id: fc.constantFrom('a', 'b', 'c'),
  processed_at: fc.option(
    fc.oneof(
      fc
        .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString()),
      fc.constant('yesterday'),
    ),
  ),
});

const timeOf = ({ processed_at }: Row) => {
  const ms = Date.parse(processed_at ?? '');
  return Number.isNaN(ms) ? -Infinity : ms;
};

describe('the newest rows', () => {
  test('are one row of each id, and no row of that id is newer', () => {
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const kept = newestRows(rows, idOf);
        expect(kept.map(idOf).sort()).toEqual([...new Set(rows.map(idOf))].sort());
        for (const one of kept)
          expect(timeOf(one)).toBe(Math.max(...rows.filter(({ id }) => id === one.id).map(timeOf)));
      }),
    );
  });

  test('are the same for one page as for many, once the rows that are replaced are left out', () => {
    fc.assert(
      fc.property(fc.array(fc.array(row)), (pages) => {
        const newestOf = createNewestRows(idOf);
        const results = pages.map(newestOf);
        const written = new Map(results.flatMap(({ rows }) => rows).map((one) => [one.id, one]));
        expect([...written.values()].sort(byId)).toEqual([...newestRows(pages.flat(), idOf)].sort(byId));
        const count = results.reduce((sum, { rows, replacing }) => sum + rows.length - replacing, 0);
        expect(count).toBe(written.size);
      }),
    );
  });

  test('compare instants, not text', () => {
    const earlier = { id: 'a', processed_at: '2026-11-28T09:00:00+07:00' };
    const later = { id: 'a', processed_at: '2026-11-28 03:00:00' };
    expect(newestRows([earlier, later], idOf)).toEqual([later]);
    expect(newestRows([later, earlier], idOf)).toEqual([later]);
  });

  test('are the first ones where the times are equal or unknown', () => {
    const rows = [1, 2].map((n) => ({ id: 'a', processed_at: null, n }));
    expect(newestRows(rows, idOf)).toEqual([rows[0]]);
  });
});

const byId = (a: Row, b: Row) => a.id.localeCompare(b.id);
