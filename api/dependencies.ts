import { createCacheAdmin } from '../cache/admin/cache-admin.ts';
import { followSwitches } from '../cache/admin/switchboard.ts';
import { createReadCounter } from '../cache/popularity/read-counter.ts';
import { createCacheReader } from '../cache/reading/cache-reader.ts';
import { followInvalidations } from '../cache/reading/invalidations.ts';
import { createLocalTier } from '../cache/reading/local-tier.ts';
import { createRecentSearches } from '../cache/writing/recent-searches.ts';
import type { Clients, ProcessProfile } from '../clients/create-clients.ts';
import type { Logger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import { createAnswerReady, type AnswerReady } from './answer-ready.ts';
import type { AppDependencies } from './app.ts';
import { createRateLimiter } from './rate-limit.ts';
import { createReadiness } from './readiness.ts';
import { createTriggers } from './triggers.ts';

/** The clients that the API needs. The API starts and serves even while Redis, Trino or Temporal are down. */
export const apiProfile = (config: Config): ProcessProfile => ({
  name: 'kol-cache-api',
  redisUse: 'serve',
  maxQuerySeconds: loadSeconds(config),
  schemaMaxAgeSeconds: 300,
  lazyTemporal: true,
  snapshotFeatures: false,
  queryLimits: { concurrency: config.API_TRINO_QUERIES, maxWaiting: MAX_WAITING_QUERIES },
});

/**
 * A load of the source must end before the deadline, so that time is left to answer from the cache or with a part of the data. A miss takes
 * 200 to 600 ms.
 */
const loadSeconds = ({ API_DEADLINE_SECONDS }: Config): number => (API_DEADLINE_SECONDS * 2) / 3;

/**
 * Maximum number of queued queries. Look-ups of ids share queries, so a longer queue can only hold slow queries of different rankings.
 * Their clients get a 503 immediately instead of an answer after minutes.
 */
const MAX_WAITING_QUERIES = 16;

export interface ApiDependencies extends AppDependencies {
  /** Answers from L1 before Express; undefined if L1 is off, or if answers differ by origin (CORS). */
  readonly answerReady: AnswerReady | undefined;
  /** Writes the read counts that are not in Redis yet. Call it when no request is in flight. */
  readonly close: () => Promise<void>;
}

/** Creates the dependencies of the API from the clients of its process. */
export async function createDependencies(
  config: Config,
  clients: Clients,
  log: Logger,
): Promise<ApiDependencies> {
  const [redis, local] = await Promise.all([clients.redis(), createLocal(config, clients, log)]);
  const defaults = {
    ...{ l1: true, earlyRefresh: true, readThrough: true },
    l1TtlSeconds: config.API_L1_TTL_SECONDS,
  };
  const switchboard = await followSwitches(redis, defaults, ({ l1, l1TtlSeconds }) =>
    local?.tier.configure({ isOn: l1, ttlSeconds: l1TtlSeconds }),
  );
  const readCounter = createReadCounter(redis, (error) =>
    log.warn(
      { error },
      'read counts could not be stored; the next warm will choose hot profiles with older counts',
    ),
  );
  const reader = createCacheReader({
    redis,
    localTier: local?.tier,
    switches: switchboard.current,
    lakehouse: clients.lakehouse(),
    mlApi: clients.mlApi(),
    listSize: config.WARM_LIST_SIZE,
    maxShrinkPercent: config.WARM_MAX_SHRINK_PERCENT,
    now: () => new Date(),
    loadSeconds: loadSeconds(config),
    onProblem: (problem) => log.warn(problem, 'cache problem'),
    onRejected: (reason) => log.warn({ reason }, 'skipped an invalid row of the lakehouse'),
    onInvalid: (reason) => log.warn({ reason }, 'took an invalid value of the lakehouse as unknown'),
    onProfileRead: readCounter.count,
  });
  const readiness = createReadiness(
    {
      redis: () => redis.ping(),
      trino: (signal) => clients.trino().rows('SELECT 1 AS one', { columns: ['one'], signal }),
    },
    (part, error) => log.warn({ part, error }, 'not ready'),
  );
  const rateLimit = config.API_RATE_LIMIT === 0 ? undefined : createRateLimiter(redis, config.API_RATE_LIMIT);
  return {
    reader,
    readiness,
    log,
    rankingLimits: config.WARM_RANKING_LIMITS,
    listSize: config.WARM_LIST_SIZE,
    recentSearches: createRecentSearches(redis),
    cacheAdmin: createCacheAdmin(redis),
    switchboard,
    triggers: createTriggers(await clients.temporal(), config.TEMPORAL_ADDRESS),
    trustProxy: config.API_TRUST_PROXY,
    corsOrigins: config.API_CORS_ORIGINS,
    rateLimit,
    token: config.API_TOKEN,
    deadlineSeconds: config.API_DEADLINE_SECONDS,
    answerReady:
      local === undefined || config.API_CORS_ORIGINS.length > 0
        ? undefined
        : createAnswerReady({ localTier: local.tier, log, rateLimit }),
    close: async () => {
      switchboard.close();
      local?.invalidations.close();
      await readCounter.close();
    },
  };
}

/** The local tier (L1), with its own connection to Redis. */
async function createLocal(config: Config, clients: Clients, log: Logger) {
  if (config.API_L1_MEGABYTES === 0) return undefined;
  const tier = createLocalTier({
    maxBytes: config.API_L1_MEGABYTES * 1024 ** 2,
    ttlSeconds: config.API_L1_TTL_SECONDS,
    staleSeconds: config.API_STALE_SECONDS,
  });
  const invalidations = followInvalidations(await clients.trackedRedis(), tier, {
    mode: config.API_L1_MODE,
    onProblem: (error) => log.warn({ error }, 'Redis does not report changes: nothing new is kept in L1'),
  });
  return { tier, invalidations };
}
