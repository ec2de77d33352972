import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { execaNode } from 'execa';
import { HEARTBEAT_THROTTLE } from '../activities/heartbeat.ts';
import { createLogger } from '../clients/logger.ts';
import { connectTemporal } from '../clients/temporal/connect.ts';
import { loadConfig } from '../config/config.ts';
import { SCORING_TASK_QUEUE, WARM_TASK_QUEUE } from '../contract/workflow-ids.ts';
import { createDependencies } from './dependencies.ts';
import { temporalLogger } from './temporal-logger.ts';
import { registerSearchAttributes } from '../clients/temporal/register-search-attributes.ts';
import { ensureWarmSchedule } from '../clients/temporal/warm-schedule.ts';
import { ensureScoringLoops, startStartupWarm } from '../clients/temporal/start-scoring-loops.ts';

const config = loadConfig();
const log = createLogger('worker', config.LOG_LEVEL);

/** Running activities get this long to finish; what does not is retried by another worker. */
const SHUTDOWN_GRACE = '15 seconds';

// The SDK's runtime owns SIGINT and SIGTERM: it stops polling, drains, and then `run` returns and the clients close.
Runtime.install({ logger: temporalLogger(log), shutdownSignals: ['SIGINT', 'SIGTERM'] });

const draining = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => draining.abort());

const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
await registerSearchAttributes(temporal.connection, config.TEMPORAL_NAMESPACE);
const dependencies = await createDependencies(config, temporal, log, draining.signal);
const workflowBundle = await workflows();
const common = {
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  workflowBundle,
  shutdownGraceTime: SHUTDOWN_GRACE,
  maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
} as const;
const activitiesOf = {
  [WARM_TASK_QUEUE]: dependencies.warmActivities,
  [SCORING_TASK_QUEUE]: dependencies.scoringActivities,
};
const taskQueues = [...new Set(config.WORKER_TASK_QUEUES)];
const workers = await Promise.all(
  taskQueues.map((taskQueue) => Worker.create({ ...common, taskQueue, activities: activitiesOf[taskQueue] })),
);
const running = Promise.all(workers.map((worker) => worker.run()));

await ensureWarmSchedule(temporal, config.WARM_EVERY_MINUTES);
await startStartupWarm(temporal, hostname());
await ensureScoringLoops(temporal, config.SCORING_GROUP);
log.info({ taskQueues }, 'worker ready');

try {
  await running;
} catch (error) {
  log.fatal({ error }, 'worker failed');
  process.exitCode = 1;
} finally {
  await dependencies.close();
  await temporal.connection.close();
  await connection.close();
  log.info('worker stopped');
  // kafkajs 2.2.4 now and then leaves a socket open after disconnect, which would keep the process alive for ever.
  process.exit();
}

/**
 * The bundle made by `npm run build` where there is one. Run from source, it is made now, in a few seconds, by a process of
 * its own: the bundler's 300 MB would stay with the worker.
 */
async function workflows(): Promise<WorkflowBundleOption> {
  const built = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));
  if (existsSync(built)) return { codePath: built };
  const folder = await mkdtemp(join(tmpdir(), 'kol-cache-'));
  const file = join(folder, 'workflow-bundle.js');
  await execaNode(fileURLToPath(new URL('./bundle-workflows.ts', import.meta.url)), [file], {
    nodeOptions: process.execArgv,
  });
  const code = await readFile(file, 'utf8');
  await rm(folder, { recursive: true });
  return { code };
}
