/** Characters that a terminal interprets or cannot show: controls, direction marks, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/gu;

const utf8 = new TextDecoder();

/**
 * Makes text or bytes from outside safe to print on a terminal.
 * @returns at most `maxLength` characters, then `…` if it is shortened. Unprintable characters become `\u{…}`, bytes that are
 *   not UTF-8 become �, and null becomes (null).
 */
export function printable(untrusted: string | Uint8Array | null, maxLength: number): string {
  if (untrusted === null) return '(null)';
  // A character has at most 4 bytes: decode only the beginning of a large value.
  const text =
    typeof untrusted === 'string' ? untrusted : utf8.decode(untrusted.subarray(0, 4 * (maxLength + 1)));
  const characters = [...text.slice(0, 2 * (maxLength + 1))];
  const shown = characters.length > maxLength ? [...characters.slice(0, maxLength), '…'] : characters;
  return shown.join('').replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Like `printable`, but keeps line breaks. */
export const printableLines = (untrusted: string, maxLength: number): string =>
  untrusted
    .slice(0, maxLength)
    .split('\n')
    .map((line) => printable(line, maxLength))
    .join('\n');

/** JSON with unprintable characters escaped as `\uXXXX`. It parses to the same value. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(UNPRINTABLE, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, escapeCodeUnit(character)).join(''),
  );

const escapeCodeUnit = (character: string) => (_: unknown, index: number) =>
  `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
