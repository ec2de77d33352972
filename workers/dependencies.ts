import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { createScoringActivities, createWarmActivities } from '../activities/index.ts';
import { reportRangesTogether } from '../activities/scoring/report-together.ts';
import { createLookupCache } from '../clients/lakehouse/lookup-cache.ts';
import { createKafkaClient } from '../clients/kafka/client.ts';
import { createLongPoll } from '../clients/kafka/long-poll.ts';
import { createOffsets } from '../clients/kafka/offsets.ts';
import { createRangeReader } from '../clients/kafka/range-reader.ts';
import { createTransactions } from '../clients/kafka/transactions.ts';
import { createLakehouse } from '../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../clients/lakehouse/trino.ts';
import type { Logger } from '../clients/logger.ts';
import { closeRedis, connectRedis } from '../clients/redis.ts';
import { createMlApi } from '../clients/ml-api.ts';
import type { Config } from '../config/config.ts';
import { SCORING_TASK_QUEUE } from '../contract/workflow-ids.ts';
import { formatSchemaProblem } from '../domain/schema/silver-tables.ts';

/** A split takes some seconds: little is lost with it, and its scan of all ids is a small part of its work. */
const ROWS_PER_SPLIT = 100_000;

/** The activities of a worker process over real clients, and how to close them. */
export interface Dependencies {
  readonly warmActivities: ReturnType<typeof createWarmActivities>;
  readonly scoringActivities: ReturnType<typeof createScoringActivities>;
  /** Closes all clients; call it when no activity runs any more. */
  close(): Promise<void>;
}

/**
 * Wires a worker: the one place where its clients are made. They live as long as the process.
 * @param draining aborted when the worker begins to stop, for activities that only wait
 */
export async function createDependencies(
  config: Config,
  temporal: Client,
  log: Logger,
  draining: AbortSignal,
): Promise<Dependencies> {
  const redis = await connectRedis(config.REDIS_URL, 'work', {
    onError: (error) => log.warn({ error }, 'redis is not reachable'),
  });
  const trinoOptions = {
    url: config.TRINO_URL,
    user: config.TRINO_USER,
    password: config.TRINO_PASSWORD,
    queryTimeoutSeconds: config.TRINO_QUERY_TIMEOUT_SECONDS,
  };
  const trino = createTrino(trinoOptions);
  const silver = createSilverCatalog(
    trino,
    { catalog: config.TRINO_CATALOG, schema: config.TRINO_SCHEMA },
    formatSchemaProblem,
  );
  // The hot path's queries have a deadline of their own: they do not stand in line behind a warm's.
  const lakehouse = createLakehouse(trino, silver);
  const warmLakehouse = createLakehouse(
    createTrino({ ...trinoOptions, concurrency: config.WARM_TRINO_QUERIES }),
    silver,
  );
  const kafka = createKafkaClient(config.KAFKA_BROKERS, 'kol-cache-worker', (level, message, details) =>
    log[level](details, message),
  );
  const offsets = createOffsets(kafka);
  const transactions = createTransactions(kafka);
  const longPoll = createLongPoll(kafka);
  const reader = createRangeReader(kafka);
  const mlApi = createMlApi({
    url: config.ML_API_URL,
    timeoutSeconds: config.ML_API_TIMEOUT_SECONDS,
    concurrency: config.ML_API_CONCURRENCY,
  });
  const enrich = {
    deadlineMs: config.SCORING_ENRICH_DEADLINE_MS,
    onError: (error: unknown) => log.warn({ error }, 'what events lack could not be looked up in Trino'),
  };

  return {
    warmActivities: createWarmActivities({
      redis,
      lakehouse: warmLakehouse,
      silver,
      temporal,
      maxShrinkPercent: config.WARM_MAX_SHRINK_PERCENT,
      sizes: { listSize: config.WARM_LIST_SIZE, rankingLimits: config.WARM_RANKING_LIMITS },
      profiles: {
        fixedRoom: config.WARM_PROFILES,
        memoryPercent: config.WARM_PROFILES_MEMORY_PERCENT,
        warmEverySeconds: config.WARM_EVERY_MINUTES * 60,
        perPlatform: Math.max(...config.WARM_RANKING_LIMITS),
        rowsPerSplit: ROWS_PER_SPLIT,
        parallelSplits: config.WARM_TRINO_QUERIES,
        writesPerSecond: config.WARM_WRITES_PER_SECOND,
      },
    }),
    scoringActivities: reportRangesTogether(
      temporal,
      createScoringActivities({
        draining,
        offsets,
        longPoll,
        transactions,
        reader,
        lookUpFeatures: createLookupCache(
          (ids) => lakehouse.trustFeatures(ids),
          ({ kol_id }) => kol_id,
          // A worker that only warms scores nothing.
          config.WORKER_TASK_QUEUES.includes(SCORING_TASK_QUEUE)
            ? { ...enrich, preload: () => lakehouse.allTrustFeatures() }
            : enrich,
        ),
        lookUpContent: createLookupCache(
          (ids) => lakehouse.contentById(ids),
          ({ content_id }) => content_id,
          enrich,
        ),
        mlApi,
        redis,
        worker: `${hostname()}/${randomUUID()}`,
      }),
    ),
    async close() {
      await Promise.allSettled([
        transactions.close(),
        reader.close(),
        offsets.close(),
        longPoll.close(),
        mlApi.close(),
        closeRedis(redis),
      ]);
    },
  };
}
