import type { Client } from '@temporalio/client';
import type { Kafka } from 'kafkajs';
import type { Config } from '../config/config.ts';
import type { Content } from '../domain/entities/content.ts';
import type { TrustFeatures } from '../domain/scoring/trust-model.ts';
import { createKafkaClient } from './kafka/client.ts';
import { createOffsets, type Offsets } from './kafka/offsets.ts';
import { createRecordReader, type RecordReader } from './kafka/record-reader.ts';
import { createTransactions, type Transactions } from './kafka/transactions.ts';
import { createLakehouse, type Lakehouse } from './lakehouse/lakehouse.ts';
import { createLookupCache, type Lookup } from './lakehouse/lookup-cache.ts';
import { readUnchanged } from './lakehouse/read-unchanged.ts';
import { createSilverCatalog, type SilverCatalog } from './lakehouse/silver-catalog.ts';
import { createTrino, type Trino } from './lakehouse/trino.ts';
import type { Logger } from './logger.ts';
import { createMlApi, type MlApi } from './ml-api.ts';
import { closeRedis, connectRedis, type RedisClient, type RedisUse } from './redis.ts';
import { connectTemporal, connectTemporalLazily } from './temporal/connect.ts';

/** How the clients are created. Tests that inject faults replace some of these. */
export const realFactories = {
  connectRedis,
  createTrino,
  createLookupCache,
  createKafkaClient,
  createOffsets,
  createTransactions,
  createRecordReader,
  createMlApi,
  connectTemporal,
  connectTemporalLazily,
};
export type ClientFactories = typeof realFactories;

/** Needs of a kind of process that are not in the configuration. */
export interface ProcessProfile {
  /** Client id in Kafka. */
  readonly name: string;
  readonly redisUse: RedisUse;
  /** Upper limit for the time of a query. A client of the API waits for the answer. */
  readonly maxQuerySeconds: number;
  /** Limits of the queries on the Silver tables, with the checks of these tables; undefined for no limits. */
  readonly queryLimits?: { readonly concurrency: number; readonly maxWaiting: number };
  /** Age at which the columns of the Silver tables are checked again. A check costs one query. */
  readonly schemaMaxAgeSeconds: number;
  /** Whether the process starts and serves even while Temporal is down. */
  readonly lazyTemporal: boolean;
  /** Whether the features of all KOLs are kept in memory, for scoring. */
  readonly snapshotFeatures: boolean;
}

/** The clients of one process. Each is created at its first use and lives as long as the process. */
export interface Clients {
  redis(): Promise<RedisClient>;
  /** Another connection, for the reads whose keys Redis tracks (client-side caching). */
  trackedRedis(): Promise<RedisClient>;
  trino(): Trino;
  silver(): SilverCatalog;
  lakehouse(): Lakehouse;
  /** Like `lakehouse`, but with a limit for concurrent queries, so that a warm does not delay the queries of the hot path. */
  warmLakehouse(): Lakehouse;
  /** Features that a profile event lacks. */
  lookUpFeatures(): Lookup<TrustFeatures>;
  /** Content items that video events refresh. */
  lookUpContent(): Lookup<Content>;
  kafka(): Kafka;
  offsets(): Offsets;
  transactions(): Transactions;
  recordReader(): RecordReader;
  mlApi(): MlApi;
  temporal(): Promise<Client>;
  /** Waits for pending commands, then closes every client that was created. Call it when no client is in use. */
  close(): Promise<void>;
}

/** Creates a client at the first call and returns it at every call. `close` is called when the process ends. */
type Once = <T>(create: () => T, close?: (client: T) => Promise<unknown>) => () => T;

interface Context {
  readonly config: Config;
  readonly profile: ProcessProfile;
  readonly log: Logger;
  readonly factories: ClientFactories;
  readonly once: Once;
}

/** The only place where clients are created, for workers, the API, the commands and the fault tests. */
export function createClients(
  config: Config,
  profile: ProcessProfile,
  log: Logger,
  factories: ClientFactories = realFactories,
): Clients {
  const closers: (() => Promise<unknown>)[] = [];
  const once: Once = (create, close) => {
    let created: { readonly client: ReturnType<typeof create> } | undefined;
    return () => {
      if (created !== undefined) return created.client;
      const { client } = (created = { client: create() });
      if (close !== undefined) closers.push(() => close(client));
      return client;
    };
  };
  const context = { config, profile, log, factories, once };
  return {
    ...lakehouseClients(context),
    ...kafkaClients(context),
    ...serviceClients(context),
    async close() {
      await Promise.allSettled(closers.splice(0).map((close) => close()));
    },
  };
}

function lakehouseClients({ config, profile, log, factories, once }: Context) {
  const trinoOptions = {
    url: config.TRINO_URL,
    user: config.TRINO_USER,
    password: config.TRINO_PASSWORD,
    queryTimeoutSeconds: Math.min(profile.maxQuerySeconds, config.TRINO_QUERY_TIMEOUT_SECONDS),
  };
  const trino = once(() => factories.createTrino(trinoOptions));
  const warmTrino = once(() =>
    factories.createTrino({ ...trinoOptions, concurrency: config.WARM_TRINO_QUERIES }),
  );
  /** Within the limits of the process. A read holds no place while it waits for a check of the catalog, which needs one too. */
  const limitedTrino = once(() =>
    profile.queryLimits === undefined
      ? trino()
      : factories.createTrino({ ...trinoOptions, ...profile.queryLimits }),
  );
  const silver = once(() =>
    createSilverCatalog(limitedTrino(), {
      catalog: config.TRINO_CATALOG,
      schema: config.TRINO_SCHEMA,
      maxAgeSeconds: profile.schemaMaxAgeSeconds,
    }),
  );
  const lakehouse = once(() => createLakehouse(limitedTrino(), silver()));
  const lookupOptions = {
    deadlineMs: config.SCORING_ENRICH_DEADLINE_MS,
    onError: (error: unknown) =>
      log.warn({ error }, 'a look-up in Trino failed; events are scored without it'),
  };
  const preload = () =>
    readUnchanged('kol_trust_features', lakehouse().tableVersions, (versions) =>
      lakehouse().allTrustFeatures({ versions }),
    );
  return {
    trino,
    silver,
    lakehouse,
    warmLakehouse: once(() => createLakehouse(warmTrino(), silver())),
    lookUpFeatures: once(() =>
      factories.createLookupCache(
        (ids) => lakehouse().trustFeatures(ids),
        ({ kol_id }) => kol_id,
        { ...lookupOptions, ...(profile.snapshotFeatures && { preload }) },
      ),
    ),
    lookUpContent: once(() =>
      factories.createLookupCache(
        (ids) => lakehouse().contentById(ids),
        ({ content_id }) => content_id,
        lookupOptions,
      ),
    ),
  };
}

function kafkaClients({ config, profile, log, factories, once }: Context) {
  const kafka = once(() =>
    factories.createKafkaClient(config.KAFKA_BROKERS, profile.name, (level, message, details) =>
      log[level](details, message),
    ),
  );
  const closing = <T extends { close(): Promise<unknown> }>(create: (kafka: Kafka) => T) =>
    once(
      () => create(kafka()),
      (client) => client.close(),
    );
  return {
    kafka,
    offsets: closing((client) => factories.createOffsets(client)),
    transactions: closing((client) => factories.createTransactions(client)),
    recordReader: closing((client) => factories.createRecordReader(client)),
  };
}

function serviceClients({ config, profile, log, factories, once }: Context) {
  const redisConnection = () =>
    once(
      () =>
        factories.connectRedis(config.REDIS_URL, profile.redisUse, {
          onError: (error) => log.warn({ error }, 'Redis is not reachable'),
        }),
      async (redis) => closeRedis(await redis),
    );
  return {
    redis: redisConnection(),
    trackedRedis: redisConnection(),
    mlApi: once(
      () =>
        factories.createMlApi({
          url: config.ML_API_URL,
          timeoutSeconds: config.ML_API_TIMEOUT_SECONDS,
          concurrency: config.ML_API_CONCURRENCY,
        }),
      (mlApi) => mlApi.close(),
    ),
    temporal: once(
      async () =>
        profile.lazyTemporal
          ? factories.connectTemporalLazily(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE)
          : factories.connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE),
      async (temporal) => (await temporal).connection.close(),
    ),
  };
}
