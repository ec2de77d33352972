/** Characters that a terminal acts upon or cannot show: controls, direction marks, line separators, halves of pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/gu;

const utf8 = new TextDecoder();

/**
 * Foreign text or bytes for a terminal: at most `length` characters, unprintable ones as `\u{…}`; bytes that are no UTF-8
 * show as �, null as (null).
 */
export function printable(foreign: string | Uint8Array | null, length: number): string {
  if (foreign === null) return '(null)';
  // A character has at most 4 bytes; a large value is not decoded whole for its beginning.
  const text = typeof foreign === 'string' ? foreign : utf8.decode(foreign.subarray(0, 4 * (length + 1)));
  const characters = [...text.slice(0, 2 * (length + 1))];
  const shown = characters.length > length ? [...characters.slice(0, length), '…'] : characters;
  return shown.join('').replace(UNPRINTABLE, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`);
}

/** JSON with nothing in it that a terminal acts upon; it reads back as the same. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(UNPRINTABLE, (one) =>
    one === '\n'
      ? one
      : Array.from(
          { length: one.length },
          (_, index) => `\\u${one.charCodeAt(index).toString(16).padStart(4, '0')}`,
        ).join(''),
  );
