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

/** The profiles that a warm keeps in Redis, chosen by reads. The list is too long for a workflow payload. */
export interface HotProfiles {
  /** The profiles with the highest forecast of reads, at most `room`. Profiles with the most followers fill the rest of the room. */
  readonly mostRead: readonly string[];
  /** Profiles beyond the room that are still read and would expire before the next warm. */
  readonly refresh: readonly string[];
}

export interface HotProfilesOptions extends RoomSetting {
  readonly warmEverySeconds: number;
}

/** The warm refreshes them with five queries, while misses would need one each. Their 5 MB are in Redis already. */
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
 * @throws the error of Redis: a failure must not look like profiles without reads
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

/** The first MAX_REFRESHED cached profiles that expire within the time. */
async function findExpiring(
  redis: RedisClient,
  ids: readonly string[],
  withinSeconds: number,
): Promise<string[]> {
  const expiring: string[] = [];
  for (const chunk of inChunks(ids, KEYS_PER_ROUND_TRIP)) {
    if (expiring.length >= MAX_REFRESHED) break;
    // single commands in parallel: on a cluster each goes to the node of its key
    const ttlsMs = await Promise.all(chunk.map((id) => redis.pttl(profile.key(id))));
    expiring.push(...chunk.filter((_, index) => isWithin(ttlsMs[index] ?? -2, withinSeconds)));
  }
  return expiring.slice(0, MAX_REFRESHED);
}

/** PTTL returns -2 for a missing key, and -1 for a key that never expires. */
const isWithin = (ttlMs: number, seconds: number): boolean => ttlMs >= 0 && ttlMs < seconds * 1000;
