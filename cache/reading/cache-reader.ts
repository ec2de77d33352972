import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { RankingEntry } from '../../domain/entities/ranking.ts';
import type { Score } from '../../domain/entities/score.ts';
import type { PlatformStats } from '../../domain/entities/platform-stats.ts';
import { createPlatformExists } from './platform-exists.ts';
import {
  createReadThrough,
  type EntitySource,
  type ReadManyThrough,
  type ReadThrough,
  type ReadThroughDependencies,
} from './read-through.ts';
import { rankingSource, statsSource, tableSource, trendingSource, type RankingId } from './entity-sources.ts';
import { scoreSource } from './score-source.ts';

/** Everything that clients can read. All but `cachedProfiles` are cache-aside: Redis, else the lakehouse. */
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
  /** The profiles that Redis holds, by id, in one round trip; empty without Redis. Never queries the lakehouse. */
  readonly cachedProfiles: (ids: readonly string[]) => Promise<ReadonlyMap<string, Profile>>;
}

export interface CacheReaderDependencies extends ReadThroughDependencies {
  readonly lakehouse: Lakehouse;
  readonly mlApi: MlApi;
  /** Called for each lakehouse row that does not match its schema; the row counts as missing. */
  readonly onRejected: (reason: string) => void;
  /** Called with the id of each profile that a read found, in Redis or in the lakehouse. */
  readonly onProfileRead?: (id: string) => void;
}

export function createCacheReader({
  lakehouse,
  mlApi,
  onRejected,
  onProfileRead,
  ...dependencies
}: CacheReaderDependencies): CacheReader {
  const { now } = dependencies;
  const options = { onRejected };
  const readThrough = <Id, T>(source: EntitySource<Id, T>) => createReadThrough(source, dependencies);
  const profiles = readThrough({
    ...tableSource(profile, (ids) => lakehouse.profilesById(ids, options)),
    onRead: onProfileRead,
  });
  const contents = readThrough(tableSource(content, (ids) => lakehouse.contentById(ids, options)));
  const scores = readThrough(scoreSource(lakehouse, mlApi, options));
  const { read: platformStats } = readThrough(statsSource(lakehouse, now, options));
  const platformExists = createPlatformExists(platformStats);
  return {
    profile: profiles.read,
    content: contents.read,
    score: scores.read,
    profiles: profiles.readMany,
    contents: contents.readMany,
    scores: scores.readMany,
    ranking: readThrough(rankingSource(lakehouse, platformExists, options)).read,
    trending: readThrough(trendingSource(lakehouse, platformExists, now, options)).read,
    platformStats,
    cachedProfiles: profiles.readCached,
  };
}
