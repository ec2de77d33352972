import { ALL_PROFILES, type PartMetadata } from '../entities/part-metadata.ts';

/** A cached value and the time of its read. */
interface CachedValue {
  readonly key: string;
  /** When it was read from the lakehouse, ISO 8601 in milliseconds. */
  readonly updatedAt: string;
}

/**
 * Whether a set was read by the last warm of its part, so that it is of the table versions that the warm recorded. A set that a miss
 * has filled since is of another read.
 */
export function isSetOfWarm({ read_at, sets }: PartMetadata, { key, updatedAt }: CachedValue): boolean {
  const set = sets[key];
  // A hash names the time of the warm, a fence that of Redis at the begin of the read.
  return set !== undefined && (updatedAt === read_at || Date.parse(updatedAt) === msOf(set.readAt));
}

/** The same of a profile. Of all profiles, a warm reads only those that changed, so the others have the times of earlier warms. */
export function isProfileOfWarm(
  { read_at, oldest_read_at = read_at, shape }: PartMetadata,
  { updatedAt }: CachedValue,
): boolean {
  return shape === ALL_PROFILES ? oldest_read_at <= updatedAt && updatedAt <= read_at : updatedAt === read_at;
}

/** @param redisTime in microseconds */
const msOf = (redisTime: number | undefined): number | undefined =>
  redisTime === undefined ? undefined : Math.floor(redisTime / 1000);
