import { createHash } from 'node:crypto';
import type { RedisClient } from '../../clients/redis.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { FieldError } from '../../domain/schema/field.ts';
import { createTermMatcher } from '../../domain/search/autocomplete-terms.ts';
import { membersOfKol, parseMember } from '../../domain/search/index-member.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { unlinkKeys } from './invalidate.ts';

/** If a list is replaced this often while one entry is removed, something is wrong. */
const MAX_ATTEMPTS = 5;

/**
 * Replaces a text unless it has changed. An empty list is deleted, so that a read does not serve it.
 * KEYS: the text
 * ARGV: SHA-1 of the text seen, the new text
 */
const REPLACE_IF_SAME = luaScript(`#!lua
local held = redis.call('GET', KEYS[1])
if not held or redis.sha1hex(held) ~= ARGV[1] then return 0 end
if ARGV[2] == '[]' then return redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`);

/** @param names receives the names of the KOL in the list. @returns entries that were removed */
export async function removeFromList(
  redis: RedisClient,
  key: string,
  kolId: string,
  names: Set<string | null>,
): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const held = await redis.get(key);
    const profiles = readable(profileList.fromString, held);
    // not readable, but it may contain the KOL
    if (profiles === null) return unlinkKeys(redis, [key]);
    const removed = profiles.filter(({ kol_id }) => kol_id === kolId);
    if (held === null || removed.length === 0) return 0;
    for (const { username, display_name } of removed) names.add(username).add(display_name);
    const kept = JSON.stringify(profiles.filter(({ kol_id }) => kol_id !== kolId));
    const seen = createHash('sha1').update(held).digest('hex');
    if ((await runScript(redis, REPLACE_IF_SAME, [{ keys: [key], args: [seen, kept] }])) === 1)
      return removed.length;
  }
  throw new Error(`${key} was replaced again and again while an entry was removed`);
}

/** Parses a cached list; empty if there is no text, null if the text is not a list. */
export function readable<T>(
  fromString: (text: string) => readonly T[],
  held: string | null,
): readonly T[] | null {
  try {
    return held === null ? [] : fromString(held);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof FieldError) return null;
    throw error;
  }
}

/** @param names receives the names of the KOL in the index. @returns members that were removed */
export async function removeFromIndex(
  redis: RedisClient,
  key: string,
  kolId: string,
  names: Set<string | null>,
): Promise<number> {
  const removed = await removeWhere(redis, key, membersOfKol(kolId), (member) => {
    const hit = parseMember(member);
    // the pattern also matches members with this id as their number of followers
    if (hit?.kol_id !== kolId) return false;
    names.add(hit.name);
    return true;
  });
  // Redis deletes an empty index. Remove its platform from the list too: a search that finds a listed platform without an index treats the
  // index as expired.
  if (removed > 0 && (await redis.exists(key)) === 0)
    await redis.zrem(searchIndex.key(ALL), key.slice(searchIndex.key('').length));
  return removed;
}

/** @param names all known names of the KOL. @returns terms that were removed */
export async function removeFromAutocomplete(
  redis: RedisClient,
  key: string,
  names: ReadonlySet<string | null>,
): Promise<number> {
  const known = [...names].filter((name) => name !== null);
  return known.length === 0 ? 0 : removeWhere(redis, key, '*', createTermMatcher(known));
}

/**
 * Removes members of a sorted set.
 * @param pattern a glob pattern of the members
 * @returns how many were removed
 */
async function removeWhere(
  redis: RedisClient,
  key: string,
  pattern: string,
  isRemoved: (member: string) => boolean,
): Promise<number> {
  let cursor = '0';
  let removed = 0;
  do {
    const [next, flat] = await redis.zscan(key, cursor, 'MATCH', pattern, 'COUNT', 1000);
    cursor = next;
    const members = flat.filter((text, index) => index % 2 === 0 && isRemoved(text));
    if (members.length > 0) removed += await redis.zrem(key, ...members);
  } while (cursor !== '0');
  return removed;
}

/**
 * Removes members from a trending list, or from its heat.
 * KEYS: the list, or the sorted set. ARGV: the members
 */
const REMOVE_MEMBERS = luaScript(`
local removed = 0
local isList = redis.call('TYPE', KEYS[1]).ok == 'list'
for _, member in ipairs(ARGV) do
  removed = removed + (isList and redis.call('LREM', KEYS[1], 0, member) or redis.call('ZREM', KEYS[1], member))
end
return removed`);

/** @returns members that were removed */
export const removeFromTrending = (
  redis: RedisClient,
  key: string,
  contentIds: ReadonlySet<string>,
): Promise<number> => runScript(redis, REMOVE_MEMBERS, [{ keys: [key], args: [...contentIds] }]);
