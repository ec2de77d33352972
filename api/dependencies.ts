import { createReadCounter } from '../cache/popularity/read-counter.ts';
import { createCacheReader } from '../cache/reading/cache-reader.ts';
import type { Logger } from '../clients/logger.ts';
import { createLakehouse } from '../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../clients/lakehouse/trino.ts';
import { closeRedis, connectRedis } from '../clients/redis.ts';
import { connectTemporalLazily } from '../clients/temporal/connect.ts';
import { createMlApi } from '../clients/ml-api.ts';
import type { Config } from '../config/config.ts';
import { formatSchemaProblem } from '../domain/schema/silver-tables.ts';
import type { AppDependencies } from './app.ts';
import { createReadiness } from './readiness.ts';
import { createTriggers } from './triggers.ts';

/** A client waits for the answer: a miss takes 200-600 ms, so what takes this long is stuck. */
const SERVE_QUERY_SECONDS = 10;
/** Looking at the schema costs the miss that does it a query more. */
const SCHEMA_MAX_AGE_SECONDS = 300;

export interface ApiDependencies extends AppDependencies {
  /** Lets pending commands and calls finish, then closes the clients. */
  readonly close: () => Promise<void>;
}

/** What the API is made of. Starts also while Redis, Trino or Temporal are away. */
export async function createDependencies(config: Config, log: Logger): Promise<ApiDependencies> {
  const redis = await connectRedis(config.REDIS_URL, 'serve', {
    onError: (error) => log.warn({ error }, 'redis is not reachable'),
  });
  const trino = createTrino({
    url: config.TRINO_URL,
    user: config.TRINO_USER,
    password: config.TRINO_PASSWORD,
    queryTimeoutSeconds: Math.min(SERVE_QUERY_SECONDS, config.TRINO_QUERY_TIMEOUT_SECONDS),
  });
  const silver = createSilverCatalog(
    trino,
    { catalog: config.TRINO_CATALOG, schema: config.TRINO_SCHEMA, maxAgeSeconds: SCHEMA_MAX_AGE_SECONDS },
    formatSchemaProblem,
  );
  const mlApi = createMlApi({
    url: config.ML_API_URL,
    timeoutSeconds: config.ML_API_TIMEOUT_SECONDS,
    concurrency: config.ML_API_CONCURRENCY,
  });
  const readCounter = createReadCounter(redis, (error) =>
    log.warn({ error }, 'reads are not counted: the next warm knows less of what is hot'),
  );
  const reader = createCacheReader({
    redis,
    lakehouse: createLakehouse(trino, silver),
    mlApi,
    now: () => new Date(),
    onProblem: (problem) => log.warn(problem, 'cache problem'),
    onRejected: (reason) => log.warn({ reason }, 'a row of the lakehouse is left out'),
    onProfileRead: readCounter.count,
  });
  const temporal = connectTemporalLazily(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
  const readiness = createReadiness(
    {
      redis: () => redis.ping(),
      trino: (signal) => trino.rows('SELECT 1 AS one', { columns: ['one'], signal }),
    },
    (part, error) => log.warn({ part, error }, 'not ready'),
  );
  return {
    reader,
    readiness,
    log,
    rankingLimits: config.WARM_RANKING_LIMITS,
    triggers: createTriggers(temporal, config.TEMPORAL_ADDRESS),
    token: config.API_TOKEN,
    close: async () => {
      await readCounter.close();
      await Promise.all([closeRedis(redis), mlApi.close(), temporal.connection.close()]);
    },
  };
}
