import type { RedisClient } from '../../clients/redis.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import { replaceSet } from '../writing/write-entries.ts';

/** What a reader found under a key before it asked the lakehouse. */
export type SeenValue =
  | { readonly state: 'absent' }
  /** Something that cannot be decoded; `reply` is the text, where it was text. */
  | { readonly state: 'undecodable'; readonly reply: unknown };

/** Fills a key after a miss. @returns false when somebody else wrote it meanwhile; theirs stays */
export type Fill = (redis: RedisClient, entry: CacheEntry, seen: SeenValue) => Promise<boolean>;

/*
 * A miss takes some 300 ms, time enough for a warm or the hot path to write something newer: a fill must not overwrite it.
 * KEYS[1] the key; ARGV: TTL in seconds, rule, text seen, 'string' or 'hash', then the value or field, value, …
 * Rules: 'absent' fills a key that is not there; 'same' also one that still holds the text seen; 'any' whatever is there.
 */
const FILL = `
local kind = redis.call('TYPE', KEYS[1]).ok
local free = kind == 'none' or ARGV[2] == 'any'
  or (ARGV[2] == 'same' and kind == 'string' and redis.call('GET', KEYS[1]) == ARGV[3])
if not free then return 0 end
if ARGV[4] == 'string' then
  redis.call('SET', KEYS[1], ARGV[5], 'EX', ARGV[1])
else
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], unpack(ARGV, 5))
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return 1`;

/** Fills one item (hash or string) unless it was written since it was looked up. */
export const fillItem: Fill = async (redis, entry, seen) => {
  if (entry.type !== 'string' && entry.type !== 'hash')
    throw new Error(`${entry.key} is a ${entry.type}, which is filled whole`);
  const value = entry.type === 'string' ? [entry.value] : Object.entries(entry.fields).flat();
  const filled = await redis.eval(FILL, 1, entry.key, entry.ttlSeconds, ...rule(seen), entry.type, ...value);
  return filled === 1;
};

function rule(seen: SeenValue): [rule: string, text: string] {
  if (seen.state === 'absent') return ['absent', ''];
  return typeof seen.reply === 'string' ? ['same', seen.reply] : ['any', ''];
}

/** Replaces one set whole. Whoever was first, both read the same lakehouse a moment ago. */
export const fillSet: Fill = async (redis, entry) => {
  await replaceSet(redis, entry);
  return true;
};
