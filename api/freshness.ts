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
  /** How long a client may use the answer without asking again; never longer than Redis keeps the value. 0: not at all. */
  readonly keepSeconds: number;
  /** After that, how long a client may use it while it fetches a new one. */
  readonly staleWhileRevalidate: number;
  /** After that, how long a client may use it when the API fails. */
  readonly staleIfError: number;
  /**
   * Events write the value too. Then it has no Last-Modified: it changes several times in a second, which is the precision of the header,
   * so that a 304 would keep an older value.
   */
  readonly isStreamed?: boolean;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Changes with a warm, every quarter of an hour. */
const warmed = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  keepSeconds: ttlSeconds,
  staleWhileRevalidate: MINUTE,
  staleIfError: 24 * HOUR,
});

/** Changes with the events of the hot path, within seconds. */
const moving = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  isStreamed: true,
  keepSeconds: 5,
  staleWhileRevalidate: 10,
  staleIfError: 10 * MINUTE,
});

/** Must be validated at each use, which a 304 makes cheap. */
export const revalidated = ({ ttlSeconds }: { readonly ttlSeconds: number }): Freshness => ({
  ttlSeconds,
  keepSeconds: 0,
  staleWhileRevalidate: 0,
  staleIfError: 0,
});

/** By kind of answer: as long as the value stands. */
export const freshness = {
  profile: warmed(profile),
  ranking: warmed(ranking),
  stats: warmed(platformStats),
  // The hash lives for a day, and today's counts grow with each load.
  dailyStats: { ...warmed(dailyStats), keepSeconds: platformStats.ttlSeconds },
  // A new name must be found soon.
  search: { ...warmed(searchIndex), keepSeconds: MINUTE },
  profileList: warmed(profileList),
  kolContent: warmed(kolContent),
  trending: moving(trending),
  content: moving(content),
  // A newer score must show at once.
  score: { ...revalidated(score), isStreamed: true },
};
