import { content } from '../domain/entities/content.ts';
import { dailyStats } from '../domain/entities/daily-stats.ts';
import { kolContent } from '../domain/entities/kol-content.ts';
import { platformStats } from '../domain/entities/platform-stats.ts';
import { profileList } from '../domain/entities/profile-list.ts';
import { profile } from '../domain/entities/profile.ts';
import { ranking } from '../domain/entities/ranking.ts';
import { score } from '../domain/entities/score.ts';
import { searchIndex } from '../domain/entities/search-index.ts';
import { trending } from '../domain/entities/trending.ts';

/** How long clients may keep an answer, in seconds. */
export interface Freshness {
  /** TTL of the entity in Redis. */
  readonly ttlSeconds: number;
  /** How long a client may use the answer without a new request; never longer than Redis keeps the value. 0 for never. */
  readonly keepSeconds: number;
  /** After that, how long a client may use it while it fetches a new one. */
  readonly staleWhileRevalidate: number;
  /** After that, how long a client may use it when the API fails. */
  readonly staleIfError: number;
  /**
   * Whether the value can change without a new read: events write it, or it contains other values. Then the answer has neither Last-Modified,
   * with which a 304 could confirm an older value, nor a source version.
   */
  readonly isMixed?: boolean;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
/** How often warms can change a value. */
const WARM_PERIOD = 15 * MINUTE;

/** For values that change with a warm. They name persons: after an erasure, clients must not keep them long. */
const warmed = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  keepSeconds: Math.min(ttlSeconds, WARM_PERIOD),
  staleWhileRevalidate: MINUTE,
  staleIfError: HOUR,
});

/** For counts, which name nobody. They change with each load, also those of today. */
const counted = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ...warmed({ ttlSeconds }),
  keepSeconds: platformStats.ttlSeconds,
  staleIfError: 24 * HOUR,
});

/** For values that change with events of the hot path, within seconds. */
const moving = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  isMixed: true,
  keepSeconds: 5,
  staleWhileRevalidate: 10,
  staleIfError: 10 * MINUTE,
});

/** For values that clients must validate at each use; a 304 makes this cheap. */
export const revalidated = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  keepSeconds: 0,
  staleWhileRevalidate: 0,
  staleIfError: 0,
});

/** The freshness of each kind of answer. */
export const freshness = {
  profile: warmed(profile),
  ranking: warmed(ranking),
  stats: counted(platformStats),
  dailyStats: counted(dailyStats),
  // clients must find a new name soon
  search: { ...warmed(searchIndex), keepSeconds: MINUTE },
  profileList: warmed(profileList),
  kolContent: warmed(kolContent),
  trending: moving(trending),
  content: moving(content),
  // clients must see a newer score immediately
  score: { ...revalidated(score), isMixed: true },
};
