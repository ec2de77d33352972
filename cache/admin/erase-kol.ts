import { createHash } from 'node:crypto';
import type { RedisClient } from '../../clients/redis.ts';
import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { engagement } from '../../domain/entities/engagement.ts';
import { kolContent } from '../../domain/entities/kol-content.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { readCounts } from '../../domain/entities/read-counts.ts';
import { score } from '../../domain/entities/score.ts';
import { FieldError } from '../../domain/schema/field.ts';
import { membersOfKol, parseMember } from '../../domain/search/index-member.ts';
import { luaScript, runScript } from '../redis/lua-script.ts';
import { scanKeys } from '../redis/scan-entities.ts';
import { kindOfKey } from './cache-kinds.ts';
import { unlinkKeys } from './invalidate.ts';

/** What was removed: keys, entries of lists and members of sets. */
export interface ErasedKol {
  readonly profile: number;
  readonly score: number;
  readonly engagement: number;
  readonly kol_content: number;
  readonly profile_list: number;
  readonly ranking: number;
  readonly search_index: number;
  readonly autocomplete: number;
  readonly profile_reads: number;
}

/**
 * Removes a KOL from everything that is cached. A read or a warm caches the KOL again if the lakehouse still has it. A name in the
 * autocomplete set is removed also for other KOLs of the same name, until the next warm.
 * @throws the first error that Redis answered
 */
export async function eraseKol(redis: RedisClient, kolId: string): Promise<ErasedKol> {
  const names = new Set(await redis.hmget(profile.key(kolId), 'username', 'display_name'));
  const counts = { profile_list: 0, ranking: 0, search_index: 0 };
  for await (const keys of scanKeys(redis))
    for (const key of keys)
      switch (kindOfKey(key)) {
        case 'ranking':
          counts.ranking += await redis.zrem(key, kolId);
          break;
        case 'profile_list':
          counts.profile_list += await removeFromList(redis, key, kolId, names);
          break;
        case 'search_index':
          counts.search_index += await removeFromIndex(redis, key, kolId, names);
      }
  const terms = [...names].flatMap((name) =>
    name === null || name === '' ? [] : [name.trim().toLowerCase()],
  );
  return {
    profile: await unlinkKeys(redis, [profile.key(kolId)]),
    score: await unlinkKeys(redis, [score.key(kolId)]),
    engagement: await unlinkKeys(redis, [engagement.key(kolId)]),
    kol_content: await unlinkKeys(redis, [kolContent.key(kolId)]),
    ...counts,
    autocomplete: terms.length === 0 ? 0 : await redis.zrem(autocomplete.key, ...new Set(terms)),
    profile_reads: await redis.zrem(readCounts.key, kolId),
  };
}

/** A list that was replaced this often while one entry was removed is a defect. */
const MAX_ATTEMPTS = 5;

/**
 * Replaces a text unless it has changed. An empty list is deleted, because a read would serve it.
 * KEYS: the text
 * ARGV: SHA-1 of the text seen, the new text
 */
const REPLACE_IF_SAME = luaScript(`#!lua
local held = redis.call('GET', KEYS[1])
if not held or redis.sha1hex(held) ~= ARGV[1] then return 0 end
if ARGV[2] == '[]' then return redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1`);

/** @param names receives the names that the list has of the KOL. @returns entries that were removed */
async function removeFromList(
  redis: RedisClient,
  key: string,
  kolId: string,
  names: Set<string | null>,
): Promise<number> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const held = await redis.get(key);
    const profiles = profilesIn(held);
    // No reader can use it, but it may name the KOL.
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

/** Null for a text that is not a list. */
function profilesIn(held: string | null): readonly Profile[] | null {
  try {
    return held === null ? [] : profileList.fromString(held);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof FieldError) return null;
    throw error;
  }
}

/** @param names receives the names that the index has of the KOL. @returns members that were removed */
async function removeFromIndex(
  redis: RedisClient,
  key: string,
  kolId: string,
  names: Set<string | null>,
): Promise<number> {
  let cursor = '0';
  let removed = 0;
  do {
    const [next, flat] = await redis.zscan(key, cursor, 'MATCH', membersOfKol(kolId), 'COUNT', 1000);
    cursor = next;
    const members = flat.filter((_, index) => index % 2 === 0);
    if (members.length === 0) continue;
    for (const member of members) names.add(parseMember(member)?.name ?? null);
    removed += await redis.zrem(key, ...members);
  } while (cursor !== '0');
  return removed;
}
