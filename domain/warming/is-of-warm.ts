import { ALL_PROFILES, type PartMetadata } from '../entities/part-metadata.ts';

/** A cached value and the time of its read. */
interface CachedValue {
  readonly key: string;
  /** When it was read from the lakehouse, ISO 8601 in milliseconds. */
  readonly updatedAt: string;
}

/**
 * Whether a set is from the last warm of its part, so that the recorded table versions apply to it. A set that a miss has filled since is
 * not.
 */
export function isSetOfWarm({ read_at, sets }: PartMetadata, { key, updatedAt }: CachedValue): boolean {
  const set = sets[key];
  // a hash has the time of the warm, a fence the time of Redis at the start of the read
  return set !== undefined && (updatedAt === read_at || Date.parse(updatedAt) === msOf(set.readAt));
}

/** The same for a profile. A warm of all profiles reads only the changed ones, so the others have the times of earlier warms. */
export function isProfileOfWarm(
  { read_at, oldest_read_at = read_at, shape }: PartMetadata,
  { updatedAt }: CachedValue,
): boolean {
  return shape === ALL_PROFILES ? oldest_read_at <= updatedAt && updatedAt <= read_at : updatedAt === read_at;
}

/** @param redisTime in microseconds */
const msOf = (redisTime: number | undefined): number | undefined =>
  redisTime === undefined ? undefined : Math.floor(redisTime / 1000);
