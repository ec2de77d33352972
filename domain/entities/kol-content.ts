import type { CacheEntry } from '../schema/entry.ts';
import { parseList } from '../schema/field.ts';
import { content, type Content } from './content.ts';

/** Items in the list of a KOL. */
export const KOL_CONTENT_LIMIT = 50;

/** kol:content:{kol_id}: the newest content of a KOL as one JSON array, newest first. */
export const kolContent = {
  name: 'kol-content',
  ttlSeconds: 900,
  key: (kolId: string) => `kol:content:${kolId}`,
  toEntry: (kolId: string, items: readonly Content[]): CacheEntry => ({
    key: kolContent.key(kolId),
    ttlSeconds: kolContent.ttlSeconds,
    type: 'string',
    value: JSON.stringify(items),
  }),
  /** @throws FieldError or SyntaxError when it is not a list of whole items */
  fromString: (json: string): readonly Content[] => parseList(content.fields, json),
};
