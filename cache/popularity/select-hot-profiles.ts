import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { inChunks } from '../../domain/values/lists.ts';
import { chooseHotProfiles } from '../../domain/warming/choose-hot-profiles.ts';
import { profileRoom, WARM_SECONDS, type RoomSetting } from '../../domain/warming/hot-profiles.ts';
import { hoursAhead } from '../../domain/warming/read-forecast.ts';
import { readMemoryLimit } from '../redis/memory-info.ts';
import { measureProfileSize } from './profile-size.ts';
import { readKnownReads } from './read-counts.ts';

/** Room for hot profiles in Redis. */
export interface HotRoom {
  /** Profiles that fit into their share of Redis. */
  readonly room: number;
  readonly bytesPerProfile: number;
}

/** The profiles that a warm keeps in Redis, chosen by what clients read. Too many ids for a workflow payload. */
export interface HotProfiles {
  /** The profiles that will probably be read most, at most `room`; those with the most followers fill the room that is left. */
  readonly mostRead: readonly string[];
  /** Profiles beyond the room that are still read, and that expire from Redis before the next warm. */
  readonly refresh: readonly string[];
}

export interface HotProfilesOptions extends RoomSetting {
  readonly warmEverySeconds: number;
}

/** A miss would refresh each of them too, but the warm needs only five queries. They take 5 MB, which Redis holds already. */
const MAX_REFRESHED = 5_000;
const KEYS_PER_ROUND_TRIP = 500;

/** Measures how many profiles fit. @throws the error of Redis */
export async function measureRoom(redis: RedisClient, setting: RoomSetting): Promise<HotRoom> {
  const [bytesPerProfile, maxBytes] = await Promise.all([
    measureProfileSize(redis),
    // A fixed room does not depend on the memory.
    setting.fixedRoom === undefined ? readMemoryLimit(redis) : 0,
  ]);
  return { room: profileRoom(setting, { maxBytes, bytesPerProfile }), bytesPerProfile };
}

/**
 * Chooses the profiles to keep warm until the next warm has ended. It only reads Redis, so a dry run can call it too.
 * @throws the error of Redis: a failure must not look like profiles that nobody reads
 */
export async function selectHotProfiles(
  redis: RedisClient,
  { room, warmEverySeconds }: { readonly room: number; readonly warmEverySeconds: number },
  now: Date,
): Promise<HotProfiles> {
  const untilNextSeconds = warmEverySeconds + WARM_SECONDS;
  const coming = hoursAhead(now.getTime() / 1000, untilNextSeconds);
  const wanted = { room, ttlSeconds: profile.ttlSeconds, coming };
  const { mostRead, stillRead } = chooseHotProfiles(await readKnownReads(redis, now), wanted);
  return { mostRead, refresh: await findExpiring(redis, stillRead, untilNextSeconds) };
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
