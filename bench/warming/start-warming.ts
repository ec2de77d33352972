import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { WarmCacheInput, WarmReport } from '../../contract/warm-cache.ts';
import { STARTUP_WARM_ID } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { BUILT_WORKER, workerProgram } from '../../engines/programs.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import type { Processes } from '../core-shares.ts';
import type { Bench } from '../run-bench.ts';

/** Number of profiles in today's lakehouse. */
export const TODAYS_PROFILES = 37_486;

/** The running system and the clients of the benchmark. */
export interface Warming {
  readonly bench: Bench;
  readonly redis: Redis;
  readonly source: { readonly trinoUrl: string; readonly catalog: string; readonly schema: string };
  readonly worker: ManagedProcess;
  /** The processes that work on a warm, by name. */
  readonly processes: Processes;
  /** Starts another worker and waits for the end of its startup warm, whether it succeeds or fails. */
  readonly startWorker: (env: NodeJS.ProcessEnv) => Promise<ManagedProcess>;
  readonly warm: (input: WarmCacheInput) => Promise<WarmReport>;
}

/** Fills the lakehouse, connects the clients and starts a worker for warms. */
export async function startWarming(bench: Bench): Promise<Warming> {
  const { addresses } = bench.stack;
  const source = {
    trinoUrl: addresses.TRINO_URL,
    catalog: addresses.TRINO_CATALOG,
    schema: addresses.TRINO_SCHEMA,
  };
  await fillLakehouse({ ...source, report: console.log });
  const redis = new Redis(addresses.REDIS_URL, { protocol: 2 });
  bench.atEnd(() => redis.quit());
  const temporal = new Client({
    connection: await Connection.connect({ address: addresses.TEMPORAL_ADDRESS }),
  });
  bench.atEnd(() => temporal.connection.close());
  const startWorker = (env: NodeJS.ProcessEnv) => startWarmWorker(bench, temporal, env);
  const worker = await startWorker({});
  const { trino, redis: redisServer } = bench.stack.engines;
  return {
    bench,
    redis,
    source,
    worker,
    processes: { worker: worker.pid, Trino: trino?.pid, Redis: redisServer?.pid },
    startWorker,
    warm: (input) => runWarm(temporal, input),
  };
}

async function startWarmWorker(
  { stack, atEnd }: Bench,
  temporal: Client,
  env: NodeJS.ProcessEnv,
): Promise<ManagedProcess> {
  const worker = new ManagedProcess(
    workerProgram(
      {
        ...stack.addresses,
        ML_API_URL: 'http://127.0.0.1:1',
        LOG_LEVEL: 'info',
        WORKER_TASK_QUEUES: WARM_TASK_QUEUE,
        ...env,
      },
      BUILT_WORKER,
    ),
    stack.paths,
  );
  await worker.start();
  atEnd(() => worker.stop());
  await temporal.workflow
    .getHandle(STARTUP_WARM_ID)
    .result()
    .catch(() => {});
  return worker;
}

function runWarm(temporal: Client, input: WarmCacheInput): Promise<WarmReport> {
  return temporal.workflow.execute<Workflows['warmCache']>('warmCache', {
    workflowId: `warm-cache-bench-${Date.now()}`,
    taskQueue: WARM_TASK_QUEUE,
    args: [{ requestedBy: 'bench', ...input }],
  });
}
