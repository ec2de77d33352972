import { tableSource } from '../../cache/reading/entity-sources.ts';
import { followInvalidations } from '../../cache/reading/invalidations.ts';
import { createLocalTier, type LocalTier, type LocalTierOptions } from '../../cache/reading/local-tier.ts';
import type { Caller } from '../../cache/reading/read-controls.ts';
import { createReadThrough } from '../../cache/reading/read-through.ts';
import { closeRedis, type RedisClient } from '../../clients/redis.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { NOW, profileOf } from './cache-values.ts';
import { connectTo } from './redis-targets.ts';
import { until } from './until.ts';

/** A lost report of a change does not end by the age of a value: no test waits so long. */
const LOCAL: LocalTierOptions = { maxBytes: 1024 ** 2, ttlSeconds: 600, staleSeconds: 60 };

/** A process that reads profiles through a local tier. */
export interface LocalReader {
  readonly tier: LocalTier;
  /** The connection whose reads Redis tracks. */
  readonly tracked: RedisClient;
  /** The tier that answered, and the followers of a profile. */
  readonly read: (
    id: string,
    caller?: Caller,
  ) => Promise<readonly [outcome: string, followers: number | null | undefined]>;
  /** Reads until the local tier answers, as it does for the second read once Redis tracks the first. */
  readonly readLocally: (id: string) => Promise<void>;
  readonly problems: unknown[];
  readonly close: () => Promise<void>;
}

type Options = Partial<LocalTierOptions> & {
  mode?: 'default' | 'broadcast';
  load?: (ids: readonly string[]) => Promise<readonly Profile[]>;
  /** Instead of an own connection; closed with the reader. */
  tracked?: RedisClient;
};

/** By default its source has each profile, with one follower. */
export async function startLocalReader(
  url: string,
  {
    mode = 'default',
    load = (ids) => Promise.resolve(ids.map((id) => profileOf(id, 1))),
    tracked: given,
    ...options
  }: Options = {},
): Promise<LocalReader> {
  const [redis, tracked] = [await connectTo(url, 'serve'), given ?? (await connectTo(url, 'serve'))];
  const tier = createLocalTier({ ...LOCAL, ...options });
  const problems: unknown[] = [];
  const invalidations = followInvalidations(tracked, tier, {
    mode,
    onProblem: (problem) => problems.push(problem),
  });
  const through = createReadThrough(tableSource(profile, load), {
    redis,
    localTier: tier,
    now: () => NOW,
    onProblem: (problem) => problems.push(problem),
  });
  const read = async (id: string, caller?: Caller) => {
    const { outcome, value } = await through.read(id, caller);
    return [outcome, value?.followers_count] as const;
  };
  return {
    tier,
    tracked,
    read,
    readLocally: (id) => until(`${id} is local`, async () => (await read(id))[0] === 'local-hit'),
    problems,
    async close() {
      invalidations.close();
      await Promise.all([closeRedis(redis), closeRedis(tracked)]);
    },
  };
}
