import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCursor, listVersion, parseCursor } from '../../../../domain/values/list-cursor.ts';

const ids = fc.uniqueArray(fc.string({ minLength: 1 }).filter((id) => !id.includes('\n')));

test('a cursor is read as it was written', () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 999_999_999 }), (list, offset) => {
      const cursor = { version: listVersion(list), offset };
      expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
    }),
  );
});

test('any other text is no cursor', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cursor = parseCursor(text);
      if (cursor !== null) expect(formatCursor(cursor)).toBe(text);
    }),
  );
  for (const text of ['', '0123456789abcdef-0', '0123456789abcdef-01', '0123456789ABCDEF-1', 'x-1'])
    expect(parseCursor(text)).toBeNull();
});

test('the version of a list changes when an item is added, removed or moved', () => {
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      const same = one.length === other.length && one.every((id, index) => id === other[index]);
      expect(listVersion(one) === listVersion(other)).toBe(same);
    }),
  );
});
