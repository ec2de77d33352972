/** White space, and what has no width: zero-width characters, bidi marks, joiners, variation selectors, fillers. */
const INVISIBLE = /[\s\p{Default_Ignorable_Code_Point}]/u;

/**
 * Whether a UTF-16 code unit is white space or has no width. Control characters that are not white space are neither: they are
 * not removed, so that an id with one is refused.
 */
export function isInvisible(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return INVISIBLE.test(String.fromCharCode(code));
}

/**
 * Removes white space and invisible characters around a text; web pages in right-to-left languages put bidi marks around names
 * and numbers. A loop, because `/\s+$/` takes quadratic time on long runs of blanks.
 */
export function trimInvisible(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isInvisible(text.charCodeAt(from))) from += 1;
  while (to > from && isInvisible(text.charCodeAt(to - 1))) to -= 1;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** Whether a text says nothing. */
export const isBlank = (text: string): boolean => trimInvisible(text) === '';
