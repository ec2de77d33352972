import { createCacheAdmin } from '../cache/admin/cache-admin.ts';
import { createReadCounter } from '../cache/popularity/read-counter.ts';
import { createCacheReader } from '../cache/reading/cache-reader.ts';
import { createRecentSearches } from '../cache/writing/recent-searches.ts';
import type { Clients, ProcessProfile } from '../clients/create-clients.ts';
import type { Logger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import type { AppDependencies } from './app.ts';
import { rateLimit } from './rate-limit.ts';
import { createReadiness } from './readiness.ts';
import { createTriggers } from './triggers.ts';

/** The clients that the API needs. It starts and serves also while Redis, Trino or Temporal are down. */
export const apiProfile = (config: Config): ProcessProfile => ({
  name: 'kol-cache-api',
  redisUse: 'serve',
  // A miss takes 200-600 ms; a query that takes this long will not help the client that waits for it.
  maxQuerySeconds: 10,
  schemaMaxAgeSeconds: 300,
  lazyTemporal: true,
  snapshotFeatures: false,
  queryLimits: { concurrency: config.API_TRINO_QUERIES, maxWaiting: MAX_WAITING_QUERIES },
});

/**
 * Queries that wait for others. Look-ups of ids share queries, so more can only be slow queries of different rankings: their
 * clients get a 503 at once instead of an answer after minutes.
 */
const MAX_WAITING_QUERIES = 16;

export interface ApiDependencies extends AppDependencies {
  /** Writes the read counts that are not in Redis yet. Call it when no request is in flight. */
  readonly close: () => Promise<void>;
}

/** The parts that the API serves from, over the clients of its process. */
export async function createDependencies(
  config: Config,
  clients: Clients,
  log: Logger,
): Promise<ApiDependencies> {
  const redis = await clients.redis();
  const readCounter = createReadCounter(redis, (error) =>
    log.warn(
      { error },
      'read counts could not be stored; the next warm will choose hot profiles with older counts',
    ),
  );
  const reader = createCacheReader({
    redis,
    lakehouse: clients.lakehouse(),
    mlApi: clients.mlApi(),
    listSize: config.WARM_LIST_SIZE,
    now: () => new Date(),
    onProblem: (problem) => log.warn(problem, 'cache problem'),
    onRejected: (reason) => log.warn({ reason }, 'skipped an invalid row of the lakehouse'),
    onProfileRead: readCounter.count,
  });
  const readiness = createReadiness(
    {
      redis: () => redis.ping(),
      trino: (signal) => clients.trino().rows('SELECT 1 AS one', { columns: ['one'], signal }),
    },
    (part, error) => log.warn({ part, error }, 'not ready'),
  );
  return {
    reader,
    readiness,
    log,
    rankingLimits: config.WARM_RANKING_LIMITS,
    recentSearches: createRecentSearches(redis),
    cacheAdmin: createCacheAdmin(redis),
    triggers: createTriggers(await clients.temporal(), config.TEMPORAL_ADDRESS),
    trustProxy: config.API_TRUST_PROXY,
    corsOrigins: config.API_CORS_ORIGINS,
    rateLimit: config.API_RATE_LIMIT === 0 ? undefined : rateLimit(redis, config.API_RATE_LIMIT),
    token: config.API_TOKEN,
    close: () => readCounter.close(),
  };
}
