import { Redis } from 'ioredis';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { WarmActivities } from '../../activities/index.ts';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import type { Config } from '../../config/config.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { warmCache } from '../../workflows/warming/warm-cache.ts';
import { testConfig, testDependencies } from './dependencies.ts';
import { queryTrino } from './trino.ts';
import type { WarmCacheInput, WarmReport } from '../../contract/warm-cache.ts';
import { testEngines } from './test-engines.ts';

/**
 * A worker that warms a small lakehouse (48 profiles on tiktok, about 370 on twitter; 490 videos on tiktok, about 240 on youtube)
 * into a Redis database. Only one test file uses them, so tests may change both.
 */
export interface WarmHarness {
  readonly config: Config;
  readonly redis: Redis;
  readonly temporal: Awaited<ReturnType<typeof testDependencies>>['temporal'];
  /** `catalog.schema` of the tables. */
  readonly schema: string;
  readonly activities: WarmActivities;
  readonly trino: (sql: string) => Promise<unknown[][]>;
  start(args?: WarmCacheInput): Promise<WorkflowHandle<typeof warmCache>>;
  warm(args?: WarmCacheInput): Promise<WarmReport>;
  /** The failure of a warm that must fail. */
  failure(args?: WarmCacheInput): Promise<Failure>;
  /** Queries that the worker has sent since the last call of this function. */
  newQueries(): Promise<{ id: string; sql: string; state: string }[]>;
  /** Stops the worker and drops the schema. */
  stop(): Promise<void>;
}

type Failure = Error & { type?: string | null; details?: unknown[] | null };

let warms = 0;

/**
 * @param more environment variables that differ from the defaults
 * @param change activities that replace the real ones
 */
export async function warmHarness(
  redisDatabase: number,
  more: Readonly<Record<string, string>> = {},
  change: (real: WarmActivities) => Partial<WarmActivities> = () => ({}),
  options: Pick<WorkerOptions, 'maxConcurrentActivityTaskExecutions'> = {},
): Promise<WarmHarness> {
  const { TRINO_URL, TRINO_CATALOG, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, WORKFLOW_BUNDLE } = testEngines();
  const catalog = more['TRINO_CATALOG'] ?? TRINO_CATALOG;
  const name = more['TRINO_SCHEMA'] ?? (await fillWarmSchema(redisDatabase, catalog));
  const user = `warm-${redisDatabase}-${process.pid}-${(warms += 1)}`;
  const config = testConfig(redisDatabase, { TRINO_USER: user, ...more, TRINO_SCHEMA: name });
  const schema = `${catalog}.${name}`;
  const trino = (sql: string) => queryTrino(TRINO_URL, sql);

  const redis = new Redis(config.REDIS_URL, { protocol: 2, maxRetriesPerRequest: 3 });
  redis.on('error', () => {}); // some tests stop their Redis
  const dependencies = await testDependencies(config);
  const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
  const activities = { ...dependencies.activities.warm, ...change(dependencies.activities.warm) };
  const worker = await Worker.create({
    connection,
    namespace: TEMPORAL_NAMESPACE,
    taskQueue: WARM_TASK_QUEUE,
    activities,
    ...options,
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
  });
  const running = worker.run();

  const harness: WarmHarness = {
    config,
    redis,
    temporal: dependencies.temporal,
    schema,
    activities,
    trino,
    start: (args) =>
      dependencies.temporal.workflow.start<typeof warmCache>('warmCache', {
        taskQueue: WARM_TASK_QUEUE,
        workflowId: `test-${user}-${(warms += 1)}`,
        args: args === undefined ? [] : [args],
      }),
    warm: async (args) => (await harness.start(args)).result(),
    failure: (args) => failureOf(harness.warm(args)),
    newQueries: queryLog(trino, user),
    async stop() {
      worker.shutdown();
      await running;
      await connection.close();
      await dependencies.close();
      redis.disconnect();
      await trino(`DROP SCHEMA ${schema} CASCADE`);
    },
  };
  return harness;
}

async function failureOf(warm: Promise<WarmReport>): Promise<Failure> {
  try {
    await warm;
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause !== undefined)
      return (error.cause.cause ?? error.cause) as Failure;
    throw error;
  }
  throw new Error('the warm did not fail');
}

/** @returns a function that returns the queries of the user since its last call */
function queryLog(trino: WarmHarness['trino'], user: string): WarmHarness['newQueries'] {
  const seen = new Set<unknown>();
  return async () => {
    const rows = await trino(
      `SELECT query_id, query, state FROM system.runtime.queries WHERE "user" = '${user}' ORDER BY created`,
    );
    const fresh = rows.filter(([id]) => !seen.has(id));
    for (const [id] of fresh) seen.add(id);
    return fresh.map(([id, sql, state]) => ({ id: String(id), sql: String(sql), state: String(state) }));
  };
}

/** Creates the small lakehouse, by default in the catalog of the Silver tables. @returns the name of its schema */
export async function fillWarmSchema(redisDatabase: number, catalog?: string): Promise<string> {
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA } = testEngines();
  const trino = (sql: string) => queryTrino(TRINO_URL, sql);
  const name = `warm_${redisDatabase}_${process.pid}`;
  const schema = `${catalog ?? TRINO_CATALOG}.${name}`;
  const from = `${TRINO_CATALOG}.${TRINO_SCHEMA}`;
  const share = (id: string, of: number) =>
    `bitwise_and(from_big_endian_64(xxhash64(to_utf8(${id}))), ${of - 1}) = 0`;
  await trino(`CREATE SCHEMA ${schema}`);
  // Without kol_trust_features: a warm only keeps its ids, if the lakehouse has it.
  await trino(
    `CREATE TABLE ${schema}.kol_profiles AS SELECT * FROM ${from}.kol_profiles WHERE platform = 'tiktok' OR ${share('kol_id', 128)}`,
  );
  await trino(
    `CREATE TABLE ${schema}.kol_content AS SELECT * FROM ${from}.kol_content WHERE platform = 'tiktok' OR ${share('content_id', 64)}`,
  );
  return name;
}
