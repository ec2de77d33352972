import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identifier, literal, UnsafeIdentifierError } from '../../../../clients/lakehouse/sql.ts';

test('every text is one literal: taking the quotes off gives it back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const quoted = literal(text);
      expect(quoted.slice(1, -1).replaceAll("''", "'")).toBe(text);
      // No quote inside stands alone, so nothing can end the literal early.
      expect(quoted.slice(1, -1).replaceAll("''", '')).not.toContain("'");
    }),
  );
});

test('only plain names are identifiers', () => {
  expect(identifier('kol_silver')).toBe('"kol_silver"');
  for (const name of ['', 'a-b', 'a"b', 'a;b', 'A', '1a', 'a b'])
    expect(() => identifier(name)).toThrow(UnsafeIdentifierError);
});
