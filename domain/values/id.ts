import { isInvisible, trimInvisible } from './trim-invisible.ts';

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
 * One spelling of an id: without white space and invisible characters around it, composed (NFC). Case matters.
 * The result can still be no id, see `isId`.
 */
export function normalizeId(text: string): string {
  const id = trimInvisible(text);
  // Such a text is too long in any form, and composing it can take quadratic time.
  return id.length > MAX_ID_LENGTH * MAX_NFC_SHRINKAGE ? id : id.normalize('NFC');
}

/** One spelling of a username: as `normalizeId`, also without "@" before it. */
export function normalizeHandle(text: string): string {
  let from = 0;
  while (from < text.length && (text[from] === '@' || isInvisible(text.charCodeAt(from)))) from += 1;
  return normalizeId(from === 0 ? text : text.slice(from));
}
