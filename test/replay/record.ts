import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import kafkajs from 'kafkajs';
import { HEARTBEAT_THROTTLE } from '../../activities/heartbeat.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig } from '../../config/config.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { historyToObject } from './history-file.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { benchStackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startStack } from '../../engines/stack.ts';
import { createDependencies } from '../../workers/dependencies.ts';
import { registerSearchAttributes } from '../../clients/temporal/register-search-attributes.ts';
import { ETL_LOADS_ID, partWarmerId, SCORING_TASK_QUEUE, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import {
  configureLoopUpdate,
  loopStateQuery,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
  tablesLoadedSignal,
  type EtlLoad,
} from '../../contract/messages.ts';
import type { etlLoads } from '../../workflows/warming/etl-loads.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import type { warmCache } from '../../workflows/warming/warm-cache.ts';
import { startMlService } from '../support/ml-service.ts';
import { until } from '../support/until.ts';

/**
 * `npm run record:histories -- [prefix]`: runs every workflow on real engines, in the ways that matter to its history, and keeps
 * the histories beside this file, or those whose names begin so. Record anew only for a change that running workflows need not
 * survive; any other change must replay the histories that are there (histories.test.ts). For a patch, rename what it replaces
 * and record that anew, so that both ways are replayed.
 */
const [prefix = ''] = process.argv.slice(2);
const folder = fileURLToPath(new URL('./histories/', import.meta.url));
Runtime.install({ logger: new DefaultLogger('WARN') });

const stack = await startStack({
  folder: benchStackFolder,
  ports: await freePorts(),
  empty: true,
  continueAsNewAt: 400,
  report: console.log,
});
const ml = await startMlService({ latencyMs: 5 });
try {
  await record();
} finally {
  await ml.stop();
  await stack.stop();
}
process.exit();

async function record(): Promise<void> {
  const { addresses } = stack;
  const { TRINO_URL: trinoUrl, TRINO_CATALOG: catalog, TRINO_SCHEMA: schema } = addresses;
  await fillLakehouse({ trinoUrl, catalog, schema, report: console.log });
  const config = loadConfig({ ...addresses, ML_API_URL: ml.url, LOG_LEVEL: 'error' });
  const connection = await Connection.connect({ address: addresses.TEMPORAL_ADDRESS });
  await registerSearchAttributes(connection, config.TEMPORAL_NAMESPACE);
  const temporal = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const log = createLogger('record', config.LOG_LEVEL);
  const dependencies = await createDependencies(config, temporal, log, new AbortController().signal);
  const nativeConnection = await NativeConnection.connect({ address: addresses.TEMPORAL_ADDRESS });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  const workers = await Promise.all(
    [
      { taskQueue: WARM_TASK_QUEUE, activities: dependencies.warmActivities },
      { taskQueue: SCORING_TASK_QUEUE, activities: dependencies.scoringActivities },
    ].map((one) =>
      Worker.create({
        ...one,
        connection: nativeConnection,
        namespace: config.TEMPORAL_NAMESPACE,
        workflowBundle,
        maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
      }),
    ),
  );
  const running = workers.map((worker) => worker.run());
  await mkdir(folder, { recursive: true });
  await recordWarms(temporal);
  await recordEtl(temporal);
  await recordScoring(temporal, addresses.KAFKA_BROKERS);
  workers.forEach((worker) => worker.shutdown());
  await Promise.all(running);
  await dependencies.close();
}

async function recordWarms(temporal: Client): Promise<void> {
  const start = (name: string, args: Parameters<typeof warmCache>[0]) =>
    temporal.workflow.start<typeof warmCache>('warmCache', {
      workflowId: `warm-cache-${name}`,
      taskQueue: WARM_TASK_QUEUE,
      args: args === undefined ? [] : [args],
    });
  const full = await start('full', undefined);
  await full.result();
  await keep('warm-cache-full', full);
  for (const part of ['profiles', 'stats'] as const)
    await keep(`part-warmer-${part}`, temporal.workflow.getHandle(partWarmerId(part)));

  const unchanged = await start('unchanged', { parts: ['profiles', 'rankings'] });
  await unchanged.result();
  await keep('warm-cache-unchanged', unchanged);
  await keep('part-warmer-unchanged', temporal.workflow.getHandle(partWarmerId('profiles')));

  const dry = await start('dry-run', { dryRun: true, force: true });
  await dry.result();
  await keep('warm-cache-dry-run', dry);

  const scoped = await start('scoped', {
    scopes: { profiles: { ids: ['no-such-kol'] }, lists: { platforms: ['tiktok'] } },
  });
  await scoped.result();
  await keep('warm-cache-scoped', scoped);

  // Two requests of one part at once: the second waits for the next run.
  const together = await Promise.all(
    ['a', 'b'].map((name) => start(`together-${name}`, { parts: ['search'] })),
  );
  await Promise.all(together.map((handle) => handle.result()));
  await keep('part-warmer-two-runs', temporal.workflow.getHandle(partWarmerId('search')));

  const cancelled = await start('cancelled', { parts: ['lists'], force: true });
  await until('its part warmer runs', async () => {
    const { status } = await temporal.workflow.getHandle(partWarmerId('lists')).describe();
    return status.name === 'RUNNING';
  });
  await cancelled.cancel();
  await cancelled.result().catch(() => {});
  await keep('warm-cache-cancelled', cancelled);
}

async function recordEtl(temporal: Client): Promise<void> {
  const signal = (load: EtlLoad) =>
    temporal.workflow.signalWithStart<typeof etlLoads, [EtlLoad]>('etlLoads', {
      workflowId: ETL_LOADS_ID,
      taskQueue: WARM_TASK_QUEUE,
      signal: tablesLoadedSignal,
      signalArgs: [load],
    });
  await signal({ tables: ['kol_content'], pipeline: 'silver', runId: '1' });
  await signal({ tables: ['kol_content'], pipeline: 'silver', runId: '1' });
  const loads = await signal({ tables: ['kol_profiles'], pipeline: 'silver', runId: '2', ids: ['1'] });
  await until('its warm is done', async () => {
    const { events = [] } = await loads.fetchHistory();
    return events?.some((event) => event.childWorkflowExecutionCompletedEventAttributes != null) ?? false;
  });
  await keep('etl-loads', loads);
}

async function recordScoring(temporal: Client, brokers: string): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const loop = await temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
    workflowId: 'scoring-loop/recorded',
    taskQueue: SCORING_TASK_QUEUE,
    args: [{ topic: PROFILES_TOPIC, group: 'recorded', settings: { trigger: 'available' } }],
  });
  const send = (count: number) =>
    producer.send({
      topic: PROFILES_TOPIC,
      messages: Array.from({ length: count }, (_, index) => ({
        key: `kol-${index}`,
        value: JSON.stringify({
          event_type: 'profile',
          platform: 'tiktok',
          username: `kol-${index}`,
          event_time: new Date().toISOString(),
        }),
      })),
    });
  const records = async (expected: number) =>
    until(`${expected} records are accounted for`, async () => {
      const { totals } = await loop.query(loopStateQuery);
      return totals.records >= expected;
    });
  const [admin] = [kafka.admin()];
  await admin.connect();
  await until('the loop stands at the end of the topic', async () => {
    const [offsets] = await admin
      .fetchOffsets({ groupId: 'recorded', topics: [PROFILES_TOPIC] })
      .catch(() => []);
    return offsets?.partitions.every(({ offset }) => offset !== '-1') ?? false;
  });
  await send(30);
  await records(30);
  await loop.executeUpdate(pauseLoopUpdate);
  await send(100);
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 40 }] });
  await loop.executeUpdate(resumeLoopUpdate);
  await records(130);
  await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
  await records(260);
  await keep('scoring-loop', loop);
  // Back in the middle of a backlog: sooner or later a batch runs just then, and is ended.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 10 }] });
  const batchWasEnded = async () =>
    ((await loop.fetchHistory()).events ?? [])
      .flatMap(({ markerRecordedEventAttributes: marker }) => Object.values(marker?.details ?? {}))
      .flatMap(({ payloads }) => payloads ?? [])
      .some(({ data }) => Buffer.from(data ?? []).includes('seek-ends-the-batch'));
  do await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
  while (!(await batchWasEnded()));
  const { totals } = await loop.query(loopStateQuery);
  await records(totals.records + 20);
  await keep('scoring-loop-sought-in-a-batch', loop);
  // Small batches until the server suggests to continue as new: the run before it, and the one after.
  const { runId } = await loop.describe();
  await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 2 }] });
  await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
  await until('it has continued as new', async () => (await loop.describe()).runId !== runId, 60);
  await keep('scoring-loop-continued', temporal.workflow.getHandle('scoring-loop/recorded', runId));
  await loop.terminate('recorded');
  await Promise.all([producer.disconnect(), admin.disconnect()]);
}

async function keep(name: string, handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<void> {
  if (!name.startsWith(prefix)) return;
  const history = historyToObject(await handle.fetchHistory());
  await writeFile(`${folder}${name}.json`, `${JSON.stringify(history, null, 1)}\n`);
  console.log(`recorded ${name}`);
}
