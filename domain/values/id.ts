/** Characters (UTF-16 code units) of the longest id that the system accepts. */
export const MAX_ID_LENGTH = 256;

/**
 * Whether text can be an id in Redis keys and in queries: 1 to MAX_ID_LENGTH characters, without control characters and
 * without unpaired surrogates.
 */
export const isId = (id: string): boolean =>
  id.length > 0 && id.length <= MAX_ID_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(id);
