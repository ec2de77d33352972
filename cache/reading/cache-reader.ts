import type { ChainableCommander } from 'ioredis';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../clients/ml-api.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { Ranked } from '../../domain/entities/ranking.ts';
import type { Score } from '../../domain/entities/score.ts';
import type { PlatformStats } from '../../domain/entities/stats.ts';
import {
  createReadThrough,
  type EntitySource,
  type ReadThrough,
  type ReadThroughDependencies,
} from './read-through.ts';
import { rankingSource, statsSource, tableSource, trendingSource, type RankingId } from './entity-sources.ts';
import { scoreSource } from './score-source.ts';
import { execClusterPipeline } from '../redis/cluster-pipeline.ts';
import { hashCodec } from './redis-codec.ts';

/** Everything that clients read, each by cache-aside. */
export interface CacheReader {
  readonly profile: ReadThrough<string, Profile>;
  readonly content: ReadThrough<string, Content>;
  readonly score: ReadThrough<string, Score>;
  readonly ranking: ReadThrough<RankingId, readonly Ranked[]>;
  /** Content ids of a platform (or all), hottest first. */
  readonly trending: ReadThrough<string, readonly string[]>;
  readonly platformStats: ReadThrough<void, PlatformStats>;
  /** The profiles that Redis holds, by id, in one round trip; without Redis none. Never asks the lakehouse. */
  readonly cachedProfiles: (ids: readonly string[]) => Promise<ReadonlyMap<string, Profile>>;
}

export interface CacheReaderDependencies extends ReadThroughDependencies {
  readonly lakehouse: Lakehouse;
  readonly mlApi: MlApi;
  /** A row of the lakehouse that is not what the contract says; it counts as not there. */
  readonly onRejected: (reason: string) => void;
  /** Told of each profile that was asked for and is there, wherever it came from. */
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
  const through = <Id, T>(reading: EntitySource<Id, T>) => createReadThrough(reading, dependencies);
  return {
    profile: withReadCount(
      through(tableSource(profile, (ids) => lakehouse.profilesById(ids, options))),
      onProfileRead,
    ),
    content: through(tableSource(content, (ids) => lakehouse.contentById(ids, options))),
    score: through(scoreSource(lakehouse, mlApi, options)),
    ranking: through(rankingSource(lakehouse, options)),
    trending: through(trendingSource(lakehouse, now, options)),
    platformStats: through(statsSource(lakehouse, now, options)),
    cachedProfiles: (ids) => readCachedProfiles(ids, dependencies),
  };
}

/** Only of what was found: asking for ids that are not there must not fill anything. */
function withReadCount<T>(read: ReadThrough<string, T>, onRead?: (id: string) => void): ReadThrough<string, T> {
  if (onRead === undefined) return read;
  return async (id) => {
    const answer = await read(id);
    if (answer.value !== null) onRead(id);
    return answer;
  };
}

async function readCachedProfiles(
  ids: readonly string[],
  { redis, onProblem }: ReadThroughDependencies,
): Promise<ReadonlyMap<string, Profile>> {
  const form = hashCodec(profile.fromHash);
  const profiles = new Map<string, Profile>();
  const told = (key: string, step: 'look-up' | 'decode', error: unknown) =>
    onProblem({
      entity: profile.name,
      key,
      step,
      reason: error instanceof Error ? error.message : String(error),
    });
  const commands = ids.map(profile.key).map((key) => ({
    key,
    queue: (pipeline: ChainableCommander) => form.queueRead(pipeline, key),
    send: () => redis.hgetall(key),
  }));
  const replies = await execClusterPipeline(redis, commands).catch((error: unknown) => {
    told(profile.key('*'), 'look-up', error);
    return null;
  });
  replies?.forEach(([error, reply], index) => {
    const id = ids[index] ?? '';
    try {
      if (error) throw error;
      const value = form.decode(reply);
      if (value !== null) profiles.set(id, value);
    } catch (wrong) {
      told(profile.key(id), error ? 'look-up' : 'decode', wrong);
    }
  });
  return profiles;
}
