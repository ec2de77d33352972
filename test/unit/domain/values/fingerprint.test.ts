import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from '../../../../domain/values/fingerprint.ts';

/** FNV-1a as its definition has it. */
function fnv1a64(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index += 1)
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}

test('is FNV-1a of 64 bits', () => {
  expect(fingerprint('')).toBe('cbf29ce484222325');
  expect(fingerprint('a')).toBe('af63dc4c8601ec8c');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(fingerprint(text)).toBe(fnv1a64(text));
    }),
  );
});
