import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import type { DailyStats } from '../../domain/entities/daily-stats.ts';
import { filteredIds } from '../../domain/entities/known-ids.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { RankingEntry } from '../../domain/entities/ranking.ts';
import type { Score } from '../../domain/entities/score.ts';
import { sizeOfStats, type PlatformStats } from '../../domain/entities/platform-stats.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { createKnownIds } from './known-ids.ts';
import { createPlatformMayExist } from './platform-exists.ts';
import { createProblemReporter } from './read-problem.ts';
import {
  createReadThrough,
  LOAD_SECONDS,
  type EntitySource,
  type ReadManyThrough,
  type ReadThrough,
  type ReadThroughDependencies,
} from './read-through.ts';
import type { ReadOutcome } from './read-result.ts';
import { rankingSource, statsSource, tableSource, trendingSource, type RankingId } from './entity-sources.ts';
import { dailyStatsSource, kolContentSource, profileListSource } from './list-sources.ts';
import { scoreSource } from './score-source.ts';
import { createSearch, type Search } from './search.ts';
import { createShrinkGuards } from './shrink-guard.ts';
import { createLastWarms } from './last-warms.ts';

/** Everything that clients can read. All but `search` and `cachedProfiles` are cache-aside: Redis, else the lakehouse. */
export interface CacheReader {
  readonly profile: ReadThrough<string, Profile>;
  readonly content: ReadThrough<string, Content>;
  readonly score: ReadThrough<string, Score>;
  readonly profiles: ReadManyThrough<string, Profile>;
  readonly contents: ReadManyThrough<string, Content>;
  readonly scores: ReadManyThrough<string, Score>;
  readonly ranking: ReadThrough<RankingId, readonly RankingEntry[]>;
  /** Content ids of a platform (or all), hottest first. */
  readonly trending: ReadThrough<string, readonly string[]>;
  readonly platformStats: ReadThrough<void, PlatformStats>;
  /** Profiles of a platform (or all), most followers first. */
  readonly profileList: ReadThrough<string, readonly Profile[]>;
  /** Content of a KOL, newest first; null for a KOL without content. */
  readonly kolContent: ReadThrough<string, readonly Content[]>;
  /** Counts of a day (yyyy-mm-dd); null for a day without content. */
  readonly dailyStats: ReadThrough<string, DailyStats>;
  readonly search: Search;
  /** How long a reader waits (s) for a part that its answer can do without. */
  readonly waitSeconds: number;
  /** How many reads of this process each step of the read path answered, without `search` and `cachedProfiles`. */
  readonly outcomes: () => OutcomeCounts;
  /** The profiles that Redis holds, by id, in one round trip; empty without Redis. Never queries the lakehouse. */
  readonly cachedProfiles: (ids: readonly string[]) => Promise<ReadonlyMap<string, Profile>>;
}

export type OutcomeCounts = Readonly<Record<ReadOutcome, number>>;

export interface CacheReaderDependencies extends ReadThroughDependencies {
  readonly lakehouse: Lakehouse;
  readonly mlApi: MlApi;
  /** Profiles in each list (WARM_LIST_SIZE). */
  readonly listSize: number;
  /** How much a table or set may shrink, in percent (WARM_MAX_SHRINK_PERCENT). Values from a smaller one are not cached. */
  readonly maxShrinkPercent: number;
  /** Called for each lakehouse row without an id; the row counts as missing. */
  readonly onRejected: (reason: string) => void;
  /** Called for each lakehouse cell that does not match its schema; the value counts as unknown. */
  readonly onInvalid?: (reason: string) => void;
  /** Called with the id of each profile that a read found, in Redis or in the lakehouse. */
  readonly onProfileRead?: (id: string) => void;
}

export function createCacheReader({
  lakehouse,
  mlApi,
  listSize,
  maxShrinkPercent,
  onRejected,
  onInvalid,
  onProfileRead,
  ...dependencies
}: CacheReaderDependencies): CacheReader {
  const { now } = dependencies;
  const options = { onRejected, ...(onInvalid && { onInvalid }) };
  const outcomes = { 'local-hit': 0, hit: 0, stale: 0, miss: 0, negative: 0, bypass: 0, refresh: 0 };
  const observed = { ...dependencies, onOutcome: (outcome: ReadOutcome) => void (outcomes[outcome] += 1) };
  const readThrough = <Id, T>(source: EntitySource<Id, T>) => createReadThrough(source, observed);
  const { loadSeconds = LOAD_SECONDS } = dependencies;
  // a load follows, and both must end before the deadline of the request
  const waitSeconds = loadSeconds / 4;
  const { mayExist, guardRow, guardScore, guardSet, lastWarm } = createWarmChecks({
    ...dependencies,
    ...{ lakehouse, maxShrinkPercent, waitSeconds },
  });
  /** A set of a warm. A miss gets the same shrink check as a warm, and an answer names the last warm that read or confirmed it. */
  const warmedSet = <Id, T>(part: WarmPart, source: EntitySource<Id, T>, sizeOf?: (value: T) => number) =>
    readThrough({ ...guardSet(part, source, sizeOf), lastWarm: lastWarm(part) });
  const profiles = readThrough({
    ...guardRow(
      'profiles',
      tableSource(profile, (ids, signal) => lakehouse.profilesById(ids, { ...options, signal })),
    ),
    onRead: onProfileRead,
    mayExist: mayExist(filteredIds.profiles),
    lastWarm: lastWarm('profiles'),
  });
  const contents = readThrough({
    ...guardRow(
      'trending',
      tableSource(content, (ids, signal) => lakehouse.contentById(ids, { ...options, signal })),
    ),
    mayExist: mayExist(filteredIds.contents),
  });
  const scores = readThrough({
    ...guardScore(scoreSource(lakehouse, mlApi, { ...options, waitSeconds })),
    mayExist: mayExist(filteredIds.features),
  });
  const { read: platformStats } = warmedSet('stats', statsSource(lakehouse, now, options), sizeOfStats);
  const platformMayExist = createPlatformMayExist(platformStats, waitSeconds);
  return {
    profile: profiles.read,
    content: contents.read,
    score: scores.read,
    profiles: profiles.readMany,
    contents: contents.readMany,
    scores: scores.readMany,
    ranking: warmedSet('rankings', {
      ...rankingSource(lakehouse, options),
      mayExist: ({ platform }) => platformMayExist(platform),
    }).read,
    trending: warmedSet(
      'trending',
      { ...trendingSource(lakehouse, now, options), mayExist: platformMayExist },
      // its size varies with the hour, so only an empty list is checked, as in a warm
      (ids) => (ids.length > 0 ? Infinity : 0),
    ).read,
    ...{ platformStats, waitSeconds },
    profileList: warmedSet('lists', {
      ...profileListSource(lakehouse, listSize, options),
      mayExist: platformMayExist,
    }).read,
    kolContent: readThrough({
      ...guardSet('trending', kolContentSource(lakehouse, options)),
      mayExist: mayExist(filteredIds.contentOwners),
    }).read,
    dailyStats: warmedSet('stats', dailyStatsSource(lakehouse, now, options)).read,
    outcomes: () => outcomes,
    search: createSearch(dependencies.redis, lastWarm('search')),
    cachedProfiles: profiles.readCached,
  };
}

/** Checks that use the records of the last warms: known ids, shrink check, table versions. */
function createWarmChecks({
  redis,
  lakehouse,
  maxShrinkPercent,
  waitSeconds,
  onProblem,
}: Pick<CacheReaderDependencies, 'redis' | 'lakehouse' | 'maxShrinkPercent' | 'onProblem'> & {
  /** Timeout of each query of a check (s): a miss waits for it. */
  readonly waitSeconds: number;
}) {
  const reporter = (what: string) => createProblemReporter(what, onProblem);
  const lastWarms = createLastWarms(redis, reporter('source-version'));
  return {
    ...createShrinkGuards({
      ...{ redis, lakehouse, maxShrinkPercent, waitSeconds },
      reportProblem: reporter('shrink-check'),
    }),
    mayExist: createKnownIds({ redis, lakehouse, waitSeconds }, reporter('known-ids')),
    lastWarm: (part: WarmPart) => (key: string, updatedAt: string) => lastWarms(part, key, updatedAt),
  };
}
