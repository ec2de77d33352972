import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { selectMostRead, profileRoom, selectStillRead, type RoomSetting } from '../../domain/warming/hot-profiles.ts';
import { measureProfileSize, memoryLimit } from './profile-size.ts';
import { readMostRead } from './read-counts.ts';

/** Which profiles a warm is to keep, by what is read. Ids may be many: they are not for workflow payloads. */
export interface HotProfiles {
  /** Profiles that fit. */
  readonly room: number;
  readonly bytesPerProfile: number;
  /** The most asked-for, no more than there is room; those with the most followers fill up what is left. */
  readonly asked: readonly string[];
  /** Beyond the room: still read, and about to expire from Redis. */
  readonly refresh: readonly string[];
}

export interface HotProfilesOptions extends RoomSetting {
  readonly warmEverySeconds: number;
}

/** A warm takes up to this long from the choice to the write. */
const WARM_SECONDS = 120;
/** One by one the same as refreshed by a miss, but in five queries; 5 MB that are in Redis already. */
const MOST_REFRESHED = 5_000;
const KEYS_AT_ONCE = 500;

/**
 * Chooses the profiles to keep warm. It only reads Redis, so that dry runs may ask it too.
 * @throws what Redis answered, when it could not be asked: not knowing what is read must not look like nothing being read
 */
export async function selectHotProfiles(
  redis: RedisClient,
  { warmEverySeconds, ...setting }: HotProfilesOptions,
  now: Date,
): Promise<HotProfiles> {
  const [bytes, maxBytes, counted] = await Promise.all([
    measureProfileSize(redis),
    // Of no use where the room is fixed.
    setting.fixedRoom === undefined ? memoryLimit(redis) : 0,
    readMostRead(redis, now),
  ]);
  const room = profileRoom(setting, { maxBytes, bytesPerProfile: bytes });
  return {
    room,
    bytesPerProfile: bytes,
    asked: selectMostRead(counted, room),
    refresh: await expiring(
      redis,
      selectStillRead(counted.slice(room), profile.ttlSeconds),
      warmEverySeconds + WARM_SECONDS,
    ),
  };
}

/** Those of the profiles that are cached, but will expire before the next warm has written them; the first MOST_REFRESHED. */
async function expiring(
  redis: RedisClient,
  ids: readonly string[],
  withinSeconds: number,
): Promise<string[]> {
  const found: string[] = [];
  for (let from = 0; from < ids.length && found.length < MOST_REFRESHED; from += KEYS_AT_ONCE) {
    const chunk = ids.slice(from, from + KEYS_AT_ONCE);
    // Single commands, sent together: on a cluster each goes to the node of its key.
    const ttls = await Promise.all(chunk.map((id) => redis.pttl(profile.key(id))));
    found.push(...chunk.filter((_, index) => isWithin(ttls[index] ?? -2, withinSeconds)));
  }
  return found.slice(0, MOST_REFRESHED);
}

/** Redis answers -2 for a key that is not there, -1 for one that stays for ever. */
const isWithin = (ttlMs: number, seconds: number): boolean => ttlMs >= 0 && ttlMs < seconds * 1000;
