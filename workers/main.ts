import { hostname } from 'node:os';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { createClients } from '../clients/create-clients.ts';
import { createLogger } from '../clients/logger.ts';
import { registerSearchAttributes } from '../clients/temporal/register-search-attributes.ts';
import { startScoringLoops } from '../clients/temporal/start-scoring-loops.ts';
import { startStartupWarm } from '../clients/temporal/start-warm.ts';
import { upsertWarmSchedule } from '../clients/temporal/warm-schedule.ts';
import { loadConfigOrExit } from '../config/config.ts';
import { SCORING_TASK_QUEUE } from '../contract/task-queues.ts';
import { createActivities, loopSettings, workerProfile } from './create-activities.ts';
import { createWorkers } from './create-workers.ts';
import { temporalLogger } from './temporal-logger.ts';
import { loadWorkflowBundle } from './workflow-bundle.ts';

/** A worker process: serves the task queues of its configuration until SIGINT or SIGTERM. */
const config = loadConfigOrExit();
const log = createLogger('worker', config.LOG_LEVEL);

/** Running activities have this long to finish. Another worker retries those that do not. */
const SHUTDOWN_GRACE = '15 seconds';

// The runtime of the SDK handles SIGINT and SIGTERM: it stops polling and drains, then `run` returns and the clients close.
Runtime.install({ logger: temporalLogger(log), shutdownSignals: ['SIGINT', 'SIGTERM'] });
const draining = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => draining.abort());

const clients = createClients(config, workerProfile(config), log);
const temporal = await clients.temporal();
await registerSearchAttributes(temporal.connection, config.TEMPORAL_NAMESPACE);

const connection = await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS });
const activities = await createActivities(config, clients, draining.signal);
const workers = await createWorkers(config, activities, {
  connection,
  workflowBundle: await loadWorkflowBundle(),
  shutdownGraceTime: SHUTDOWN_GRACE,
});
const running = Promise.all(workers.map((worker) => worker.run()));

// Only a worker of the scoring queue answers the update that configures a loop.
const loops = config.WORKER_TASK_QUEUES.includes(SCORING_TASK_QUEUE)
  ? startScoringLoops(
      temporal,
      { group: config.SCORING_GROUP, ...loopSettings(config), by: `worker on ${hostname()}` },
      {
        signal: draining.signal,
        onError: (error, topic) =>
          log.error({ error, topic }, 'a scoring loop could not be started or configured; trying again'),
      },
    )
  : undefined;
await upsertWarmSchedule(temporal, config.WARM_EVERY_MINUTES);
await startStartupWarm(temporal, hostname());
// the loop of a new group answers only when Kafka does; the worker may have to end before
await Promise.race([loops, running]);
log.info({ taskQueues: config.WORKER_TASK_QUEUES }, 'worker ready');

try {
  await running;
} catch (error) {
  log.fatal({ error }, 'worker failed');
  process.exitCode = 1;
} finally {
  await clients.close();
  await connection.close();
  log.info('worker stopped');
  // kafkajs 2.2.4 sometimes leaves a socket open after disconnect, which would keep the process alive.
  process.exit();
}
