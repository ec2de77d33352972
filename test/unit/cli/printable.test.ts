import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, printableJson } from '../../../cli/printable.ts';

/** Control characters, direction marks, line separators and the byte order mark. */
const INTERPRETED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['text and emoji stay as they are', bytes('{"bio":"½ ☂ 😀"}'), '{"bio":"½ ☂ 😀"}'],
  ['escape sequences and line ends', '\u001b[31mred\r\n\u202e', '\\u{1b}[31mred\\u{d}\\u{a}\\u{202e}'],
  ['bytes that are not UTF-8', new Uint8Array([0xff, 0x41, 0x9b]), '�A�'],
  ['null', null, '(null)'],
])('printable: %s', (_what, untrusted, expected) => {
  expect(printable(untrusted, 40)).toBe(expected);
});

test('printable shortens by characters, not by UTF-16 units', () => {
  expect(printable('😀'.repeat(10), 3)).toBe('😀😀😀…');
});

test('printable never returns a character that a terminal interprets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(100), (untrusted, maxLength) => {
      expect(printable(untrusted, maxLength)).not.toMatch(INTERPRETED);
    }),
  );
});

test('printableJson has no character that a terminal interprets, and parses to the same value', () => {
  fc.assert(
    fc.property(fc.uint16Array({ maxLength: 300 }), (units) => {
      const text = String.fromCharCode(...units);
      const json = printableJson({ text });
      expect(json.replaceAll('\n', '')).not.toMatch(INTERPRETED);
      expect(JSON.parse(json)).toEqual({ text });
    }),
  );
});
