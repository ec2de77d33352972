// Normalisation and validation of ids, usernames and platform names.

/** White space and characters without width: zero-width characters, bidi marks, joiners, variation selectors, fillers. */
const INVISIBLE = /[\s\p{Default_Ignorable_Code_Point}]/u;

/**
 * Whether a UTF-16 code unit is white space or has no width. Other control characters are not included: they are not removed, so that an id
 * with one is refused.
 */
function isInvisible(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return INVISIBLE.test(String.fromCharCode(code));
}

/**
 * Removes white space and invisible characters around a text; web pages in right-to-left languages put bidi marks around names and numbers.
 * It uses a loop, because `/\s+$/` takes quadratic time on long runs of blanks.
 */
export function trimInvisible(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isInvisible(text.charCodeAt(from))) from += 1;
  while (to > from && isInvisible(text.charCodeAt(to - 1))) to -= 1;
  return from === 0 && to === text.length ? text : text.slice(from, to);
}

/** Whether a text has only invisible characters. */
export const isBlank = (text: string): boolean => trimInvisible(text) === '';

/** Characters (UTF-16 code units) of the longest id that the system accepts. */
export const MAX_ID_LENGTH = 256;

/**
 * Whether text can be an id in Redis keys and in queries: 1 to MAX_ID_LENGTH characters, without control characters and
 * without unpaired surrogates.
 */
export const isId = (id: string): boolean =>
  id.length > 0 && id.length <= MAX_ID_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(id);

/** NFC makes a text at most this many times shorter. */
const MAX_NFC_SHRINKAGE = 4;

/**
 * One spelling of an id: without white space and invisible characters around it, composed (NFC). Case matters. The result may still not be
 * a valid id, see `isId`.
 */
export function normalizeId(text: string): string {
  const id = trimInvisible(text);
  // do not compose a text that is too long in any form: it can take quadratic time
  return id.length > MAX_ID_LENGTH * MAX_NFC_SHRINKAGE ? id : id.normalize('NFC');
}

/** One spelling of a username: like `normalizeId`, also without a leading "@". */
export function normalizeHandle(text: string): string {
  let from = 0;
  while (from < text.length && (text[from] === '@' || isInvisible(text.charCodeAt(from)))) from += 1;
  return normalizeId(from === 0 ? text : text.slice(from));
}

/** Rankings, lists and trending content exist for each platform and, under this name, for all platforms together. */
export const ALL = 'all';

export const PLATFORM_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether a name is valid as a platform (or `all`) in Redis keys and in SQL. */
export const isPlatform = (name: string): boolean => PLATFORM_NAME.test(name);
