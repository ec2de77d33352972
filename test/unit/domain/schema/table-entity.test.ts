import fc from 'fast-check';
import { expect, test } from 'vitest';
import { profile } from '../../../../domain/entities/profile.ts';
import { mapRows } from '../../../../domain/schema/table-entity.ts';

const names = Object.keys(profile.columns);
const rowOf = (cells: Readonly<Record<string, string | null>>) => names.map((name) => cells[name] ?? null);

test('a row with any cells but a known id is kept, and each cell that is not valid is unknown and reported', () => {
  const cell = fc.oneof(fc.constant(null), fc.string(), fc.bigInt().map(String), fc.double().map(String));
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.array(cell, { minLength: 13, maxLength: 13 }),
      (id, cells) => {
        const rejected: string[] = [];
        const invalid: string[] = [];
        const [row] = mapRows(
          [[id, ...cells]],
          profile.fromRow,
          (reason) => rejected.push(reason),
          (reason) => invalid.push(reason),
        );
        expect(rejected).toEqual([]);
        expect(row?.kol_id).toBe(id);
        for (const reason of invalid) {
          const name = (/^(\w+): /.exec(reason)?.[1] ?? '') as keyof typeof row;
          expect(row?.[name]).toBeNull();
        }
      },
    ),
  );
});

test.each(['-1', '9007199254740992', '1.5', 'NaN'])(
  'a count of %s is unknown, the rest of the row is known',
  (count) => {
    const invalid: string[] = [];
    const row = profile.fromRow(rowOf({ kol_id: '1', username: 'a', followers_count: count }), (reason) =>
      invalid.push(reason),
    );
    expect(row).toMatchObject({ kol_id: '1', username: 'a', followers_count: null });
    expect(invalid).toEqual([`followers_count: "${count}" is not a count of 0 to 2^53 - 1`]);
  },
);

test.each([null, ''])('a row whose id is %j is left out and reported', (kol_id) => {
  const rejected: string[] = [];
  expect(mapRows([rowOf({ kol_id })], profile.fromRow, (reason) => rejected.push(reason))).toEqual([]);
  expect(rejected).toEqual(['kol_id: "" is not an id']);
});

test('a cached hash with a value that is not valid is an error: it is read again from the lakehouse', () => {
  const hash = Object.fromEntries(names.map((name) => [name, '']));
  expect(() => profile.fromHash({ ...hash, kol_id: '1', followers_count: '-1' })).toThrow('followers_count');
});
