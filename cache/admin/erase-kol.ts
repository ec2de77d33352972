import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { content } from '../../domain/entities/content.ts';
import { engagement } from '../../domain/entities/engagement.ts';
import { kolContent } from '../../domain/entities/kol-content.ts';
import { profile } from '../../domain/entities/profile.ts';
import { allReadCounts } from '../../domain/entities/read-counts.ts';
import { score } from '../../domain/entities/score.ts';
import { readCachedField, scanMovingKeys } from '../redis/scan-entities.ts';
import { unlessWrongType } from '../redis/wrong-type.ts';
import { raiseErasureFence, raiseFences, raiseRemovalFence } from '../writing/raise-fences.ts';
import { kindOfKey } from './cache-kinds.ts';
import {
  readable,
  removeFromAutocomplete,
  removeFromIndex,
  removeFromList,
  removeFromTrending,
} from './erase-from-sets.ts';
import { betweenFences, unlinkKeys } from './invalidate.ts';

/** What was removed: keys, entries of lists and members of sets. */
export interface ErasedKol {
  readonly profile: number;
  readonly score: number;
  readonly engagement: number;
  readonly kol_content: number;
  readonly content: number;
  readonly trending: number;
  readonly profile_list: number;
  readonly ranking: number;
  readonly search_index: number;
  readonly autocomplete: number;
  readonly profile_reads: number;
}

/** Kinds of sets that may contain a KOL. */
const SETS = ['ranking', 'profile_list', 'search_index', 'trending'] as const;
type SetKind = (typeof SETS)[number];
const isSetKind = (kind: string): kind is SetKind => SETS.some((each) => each === kind);

/** Keys that may contain data of a KOL. */
interface FoundKeys {
  readonly sets: Readonly<Record<SetKind, Set<string>>>;
  /** Ids of the KOL's content that Redis contains. */
  readonly contentIds: Set<string>;
}

/**
 * Removes a KOL and its content from the whole cache.
 * - Writes of reads and warms that began earlier are refused, also of sets that do not exist now. So are earlier events.
 * - A read or a warm that begins later caches the KOL again if the lakehouse still has it.
 * - Its names are removed from autocomplete until the next warm, also for other KOLs with the same words.
 * @throws the first error that Redis answered
 */
export async function eraseKol(redis: RedisClient, kolId: string): Promise<ErasedKol> {
  await raiseErasureFence(redis, kolId);
  return betweenFences(
    () => raiseRemovalFence(redis),
    () => removeEverywhere(redis, kolId),
  );
}

/** Like `eraseKol`, for a KOL that is already erased: does not refuse more events. */
export async function removeEverywhere(redis: RedisClient, kolId: string): Promise<ErasedKol> {
  const readAt = await readRedisTime(redis);
  const own = await removeOwnKeys(redis, kolId, readAt);
  const { names } = own;
  const found = await findKeys(redis, kolId, own.contentIds);
  const details = [...found.contentIds].map((id) => content.key(id));
  await raiseFences(redis, details, readAt);

  const eachOf = async (kind: SetKind, remove: (key: string) => Promise<number>) => {
    let removed = 0;
    for (const key of found.sets[kind]) {
      const ofKey = await removeOrUnlink(redis, key, remove(key));
      // The fence of a set holds the time of its read, so a set without the KOL keeps its fence. The fence of all keys refuses earlier
      // reads.
      if (ofKey > 0) await raiseFences(redis, [key], readAt);
      removed += ofKey;
    }
    return removed;
  };
  const counts = {
    content: await unlinkKeys(redis, details),
    trending: await eachOf('trending', (key) => removeFromTrending(redis, key, found.contentIds)),
    profile_list: await eachOf('profile_list', (key) => removeFromList(redis, key, kolId, names)),
    ranking: await eachOf('ranking', (key) => redis.zrem(key, kolId)),
    search_index: await eachOf('search_index', (key) => removeFromIndex(redis, key, kolId, names)),
  };
  const removals = await Promise.all(
    allReadCounts.map(({ key }) => removeOrUnlink(redis, key, redis.zrem(key, kolId))),
  );
  return {
    ...own.counts,
    ...counts,
    autocomplete: await removeOrUnlink(
      redis,
      autocomplete.key,
      removeFromAutocomplete(redis, autocomplete.key, names),
    ),
    profile_reads: removals.reduce((sum, removed) => sum + removed, 0),
  };
}

/**
 * Removes the KOL's own keys. It runs before the scan for all other keys, which takes seconds in a large cache and can fail.
 * @returns the names of the KOL and the ids of its content, from the removed keys
 */
async function removeOwnKeys(redis: RedisClient, kolId: string, readAt: number) {
  const keys = [profile.key(kolId), score.key(kolId), engagement.key(kolId), kolContent.key(kolId)] as const;
  // Raise the fences first: then a fill in flight is refused, or its key exists before the deletion.
  await raiseFences(redis, keys, readAt);
  const [names, contentIds] = await Promise.all([
    unlessWrongType(redis.hmget(profile.key(kolId), 'username', 'display_name')),
    listedContent(redis, kolId),
  ]);
  const removed = await Promise.all(keys.map((key) => unlinkKeys(redis, [key])));
  const [ofProfile = 0, ofScore = 0, ofEngagement = 0, ofContent = 0] = removed;
  return {
    names: new Set(names),
    contentIds: new Set(contentIds),
    counts: { profile: ofProfile, score: ofScore, engagement: ofEngagement, kol_content: ofContent },
  };
}

/**
 * Runs a removal on a key. A key of another type is deleted: it is not readable, but may contain the KOL.
 * @returns the result of `removal`, or 1 for a deleted key
 */
const removeOrUnlink = async (redis: RedisClient, key: string, removal: Promise<number>): Promise<number> =>
  (await unlessWrongType(removal)) ?? unlinkKeys(redis, [key]);

/** Scans all keys. Content without a cached detail is found only through the list of the KOL. */
async function findKeys(redis: RedisClient, kolId: string, listed: ReadonlySet<string>): Promise<FoundKeys> {
  const contentIds = new Set(listed);
  const sets: FoundKeys['sets'] = {
    ...{ ranking: new Set(), profile_list: new Set() },
    ...{ search_index: new Set(), trending: new Set() },
  };
  const prefix = content.key('');
  for await (const keys of scanMovingKeys(redis)) {
    for (const key of keys) {
      const kind = kindOfKey(key);
      if (isSetKind(kind)) sets[kind].add(key);
    }
    const ids = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    const owners = await readCachedField(redis, content, ids, 'kol_id');
    for (const id of ids.filter((_, index) => owners[index] === kolId)) contentIds.add(id);
  }
  return { sets, contentIds };
}

/** The content ids in the list of a KOL; empty if the list cannot be read. */
async function listedContent(redis: RedisClient, kolId: string): Promise<string[]> {
  const text = await unlessWrongType(redis.get(kolContent.key(kolId)));
  const items = readable(kolContent.fromString, text);
  return (items ?? []).map(({ content_id }) => content_id);
}
