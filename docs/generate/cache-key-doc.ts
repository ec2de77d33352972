import type { CacheEntry } from '../../domain/schema/entry.ts';
import type { NameDoc } from './markdown.ts';

/** What docs/contract.md says of one cache key. */
export interface CacheKeyDoc {
  /** `name` of the entity in domain/entities; the heat of trending content and staging keys belong to another entity. */
  readonly entity: string;
  /** The key with its variable parts in braces. */
  readonly pattern: string;
  /** An entry as the code builds it: it has type, TTL and field names. */
  readonly sample: CacheEntry;
  readonly content: string;
  readonly writers: string;
  /** Type and TTL as text, where those of the sample do not say it all. */
  readonly typeAndTtl?: readonly [type: string, ttl: string];
  /** Fields of a hash or of a JSON value. */
  readonly fields?: Readonly<Record<string, NameDoc>>;
  /** Names in `fields` that only some writers set, so that they are not in the sample. */
  readonly optionalFields?: readonly string[];
}

/** Who writes a key. */
export const WARM = (part: string) => `warm of part \`${part}\``;
export const MISS = 'the API after a miss';

/** What every description of a key has. */
export function keyDoc(entity: string, pattern: string, sample: CacheEntry) {
  return { entity, pattern, sample };
}
