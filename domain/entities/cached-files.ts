import type { CachedFiles } from '../warming/changed-files.ts';

/** cache:metadata:files:{table}: the data files whose rows are in the cache, as JSON, after a warm of all rows of a table. */
export const cachedFiles = {
  ttlSeconds: 86_400,
  key: (table: string) => `cache:metadata:files:${table}`,
};

/** @returns null for the text of another format; all rows are then read again */
export function parseCachedFiles(json: string | null): CachedFiles | null {
  if (json === null) return null;
  try {
    const value = JSON.parse(json) as Partial<CachedFiles> | null;
    const isValid =
      typeof value?.version === 'string' &&
      typeof value.columns === 'string' &&
      typeof value.idsRepeat === 'boolean' &&
      Array.isArray(value.files);
    return isValid ? (value as CachedFiles) : null;
  } catch {
    return null;
  }
}
