import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import {
  selectMostRead,
  profileRoom,
  selectStillRead,
  type RoomSetting,
} from '../../domain/warming/hot-profiles.ts';
import { readMemoryLimit } from '../redis/memory-info.ts';
import { measureProfileSize } from './profile-size.ts';
import { readMostRead } from './read-counts.ts';

/** The profiles that a warm keeps in Redis, chosen by what clients read. Too many ids for a workflow payload. */
export interface HotProfiles {
  /** Profiles that fit into their share of Redis. */
  readonly room: number;
  readonly bytesPerProfile: number;
  /** The most-read profiles, at most `room`; those with the most followers fill the room that is left. */
  readonly mostRead: readonly string[];
  /** Profiles beyond the room that are still read, and that expire from Redis before the next warm. */
  readonly refresh: readonly string[];
}

export interface HotProfilesOptions extends RoomSetting {
  readonly warmEverySeconds: number;
}

/** The longest time between this choice and the last write of the warm. */
const WARM_SECONDS = 120;
/** A miss would refresh each of them too, but the warm needs only five queries. They take 5 MB, which Redis holds already. */
const MAX_REFRESHED = 5_000;
const KEYS_PER_ROUND_TRIP = 500;

/**
 * Chooses the profiles to keep warm. It only reads Redis, so a dry run can call it too.
 * @throws the error of Redis: a failure must not look like profiles that nobody reads
 */
export async function selectHotProfiles(
  redis: RedisClient,
  { warmEverySeconds, ...setting }: HotProfilesOptions,
  now: Date,
): Promise<HotProfiles> {
  const [bytesPerProfile, maxBytes, counted] = await Promise.all([
    measureProfileSize(redis),
    // A fixed room does not depend on the memory.
    setting.fixedRoom === undefined ? readMemoryLimit(redis) : 0,
    readMostRead(redis, now),
  ]);
  const room = profileRoom(setting, { maxBytes, bytesPerProfile });
  const stillRead = selectStillRead(counted.slice(room), profile.ttlSeconds);
  return {
    room,
    bytesPerProfile,
    mostRead: selectMostRead(counted, room),
    refresh: await findExpiring(redis, stillRead, warmEverySeconds + WARM_SECONDS),
  };
}

/** The first MAX_REFRESHED of the profiles that are cached and expire within the time. */
async function findExpiring(
  redis: RedisClient,
  ids: readonly string[],
  withinSeconds: number,
): Promise<string[]> {
  const expiring: string[] = [];
  for (const chunk of inChunks(ids, KEYS_PER_ROUND_TRIP)) {
    if (expiring.length >= MAX_REFRESHED) break;
    // Single commands, sent together: on a cluster each goes to the node of its key.
    const ttlsMs = await Promise.all(chunk.map((id) => redis.pttl(profile.key(id))));
    expiring.push(...chunk.filter((_, index) => isWithin(ttlsMs[index] ?? -2, withinSeconds)));
  }
  return expiring.slice(0, MAX_REFRESHED);
}

/** PTTL answers -2 for a key that does not exist, and -1 for one that never expires. */
const isWithin = (ttlMs: number, seconds: number): boolean => ttlMs >= 0 && ttlMs < seconds * 1000;
