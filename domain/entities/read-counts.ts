import { READ_HALF_LIFE_SECONDS } from '../warming/hot-profiles.ts';
import { HOURLY_HALF_LIFE_SECONDS, HOURS } from '../warming/read-forecast.ts';

/**
 * A sorted set, internal, of KOL ids by how often their profiles are read; later reads weigh more (domain/warming/hot-profiles.ts). The
 * member with the empty name holds the start of the count, in seconds since 1970, as a negative score. It is in the same key, so that the
 * two are evicted together, and it sorts below all KOLs, so that it is never one of the most read.
 */
export interface ReadCounts {
  readonly key: string;
  readonly halfLifeSeconds: number;
  /** Counted from the last read. */
  readonly ttlSeconds: number;
  /** The most read KOLs that the set keeps: 120 B each with ids of 20 characters. */
  readonly maxMembers: number;
}

export const START_MEMBER = '';

const DAY_SECONDS = 86_400;

/** cache:reads:profile: the reads of the last hours. */
export const recentReads = {
  name: 'profile-reads',
  key: 'cache:reads:profile',
  halfLifeSeconds: READ_HALF_LIFE_SECONDS,
  /** A read that is a week old has gone through 28 half-lives and weighs nothing. */
  ttlSeconds: 7 * DAY_SECONDS,
  /** More than there are KOLs today: 6 MB. */
  maxMembers: 50_000,
} satisfies ReadCounts & { name: string };

/** cache:reads:profile:{hh}: the reads at one hour of the day in UTC, of the last days. */
export const hourlyReads = {
  name: 'profile-reads-by-hour',
  key: (hour: number | string): string => `${recentReads.key}:${String(hour).padStart(2, '0')}`,
  halfLifeSeconds: HOURLY_HALF_LIFE_SECONDS,
  /** A read that is two weeks old weighs 4 %. */
  ttlSeconds: 14 * DAY_SECONDS,
  /** 0.6 MB, so all 24 hours take 14 MB. */
  maxMembers: 5_000,
};

/** @param hour 0–23 */
export const readsAtHour = (hour: number): ReadCounts => ({ ...hourlyReads, key: hourlyReads.key(hour) });

/** All sets that count reads of profiles. */
export const allReadCounts: readonly ReadCounts[] = [
  recentReads,
  ...Array.from({ length: HOURS }, (_, hour) => readsAtHour(hour)),
];
