import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bigInteger, identifier, literal, UnsafeIdentifierError } from '../../../../clients/lakehouse/sql.ts';

test('every text becomes one literal that means this text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const quoted = literal(text);
      expect(quoted.slice(1, -1).replaceAll("''", "'")).toBe(text);
      // Every inner quote is doubled, so nothing ends the literal early.
      expect(quoted.slice(1, -1).replaceAll("''", '')).not.toContain("'");
    }),
  );
});

test('identifier accepts plain lower-case names only', () => {
  expect(identifier('kol_silver')).toBe('"kol_silver"');
  for (const name of ['', 'a-b', 'a"b', 'a;b', 'A', '1a', 'a b'])
    expect(() => identifier(name)).toThrow(UnsafeIdentifierError);
});

test('bigInteger accepts the digits of a 64-bit number only, and does not round them', () => {
  expect(bigInteger('6691421330374532937')).toBe("BIGINT '6691421330374532937'");
  expect(bigInteger('-1')).toBe("BIGINT '-1'");
  for (const text of ['', '1e3', '1.0', "1' OR '1", '12345678901234567890', ' 1'])
    expect(() => bigInteger(text)).toThrow(RangeError);
});
