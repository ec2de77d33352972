import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection, WorkflowUpdateFailedError } from '@temporalio/client';
import kafkajs, { type Admin, type Producer } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configureLoopUpdate, seekLoopUpdate } from '../../contract/messages.ts';
import { LOOP_VERSION } from '../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE, WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { stackFolder, stackPaths } from '../../engines/paths.ts';
import { workerProgram } from '../../engines/programs.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { event } from '../support/loop-harness.ts';
import { startMlService } from '../support/ml-service.ts';
import { until } from '../support/until.ts';
import { startChaosEngines, type ChaosEngines } from './chaos-engines.ts';
import { CommitGaps } from './commit-gaps.ts';

/** Workers as an operator runs them (workers/main.ts), and one loop of many partitions. */
const PARTITIONS = 24;
const GROUP = 'workers-come-and-go';
/** By chance the shares differ: with 24 slices, one in 90 draws gives a worker fewer than 6. */
const LEAST_SHARE = 4;
const EVENTS_EVERY_MS = 200;

let engines: ChaosEngines;
let ml: Awaited<ReturnType<typeof startMlService>>;
let temporal: Client;
let admin: Admin;
let producer: Producer;
let gaps: CommitGaps;
let load: NodeJS.Timeout;
const workers: ManagedProcess[] = [];

beforeAll(async () => {
  engines = await startChaosEngines();
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, KAFKA_BROKERS } = engines.addresses;
  ml = await startMlService({ latencyMs: 5 });
  const connection = await Connection.connect({ address: TEMPORAL_ADDRESS });
  temporal = new Client({ connection, namespace: TEMPORAL_NAMESPACE });
  const kafka = new kafkajs.Kafka({
    brokers: KAFKA_BROKERS.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createPartitions({ topicPartitions: [{ topic: PROFILES_TOPIC, count: PARTITIONS }] });
  gaps = new CommitGaps(admin, GROUP, PROFILES_TOPIC);
});
afterAll(async () => {
  clearInterval(load);
  gaps?.stop();
  await Promise.all(workers.map((worker) => worker.kill()));
  await Promise.allSettled([admin?.disconnect(), producer?.disconnect(), temporal?.connection.close()]);
  await ml?.stop();
  await engines?.stop();
});

const loop = () => temporal.workflow.getHandle<Workflows['scoringLoop']>(scoringLoopId(PROFILES_TOPIC));

async function startWorker(name: string, taskQueues = SCORING_TASK_QUEUE): Promise<ManagedProcess> {
  const spec = workerProgram({
    ...engines.addresses,
    ML_API_URL: ml.url,
    WORKER_TASK_QUEUES: taskQueues,
    SCORING_GROUP: GROUP,
    SCORING_TRIGGER: 'available',
    LOG_LEVEL: 'info',
  });
  const worker = new ManagedProcess({ ...spec, name }, stackPaths(`${stackFolder}/chaos`));
  workers.push(worker);
  await worker.start();
  return worker;
}

/** Number of slices that run on a worker. */
async function slicesOn({ pid }: ManagedProcess): Promise<number> {
  const { raw } = await loop().describe();
  return (raw.pendingActivities ?? []).filter(({ lastWorkerIdentity }) =>
    lastWorkerIdentity?.startsWith(`${pid}@`),
  ).length;
}

const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1000;

/** The types of the events in the history of the current run. */
async function eventTypes(): Promise<Set<string>> {
  const { events = [] } = await loop().fetchHistory();
  return new Set(
    (events ?? []).flatMap((one) => Object.keys(one).filter((key) => key.endsWith('Attributes'))),
  );
}

let first: ManagedProcess;
let second: ManagedProcess;

test('a worker that serves only the warm queue becomes ready without a worker of the scoring queue', async () => {
  const worker = await startWorker('worker-warm', WARM_TASK_QUEUE);
  await worker.stop();
});

test('at its start, a worker runs a scoring loop that was started before any worker', async () => {
  const early = await temporal.workflow.start('scoringLoop', {
    workflowId: scoringLoopId(PROFILES_TOPIC),
    taskQueue: SCORING_TASK_QUEUE,
    args: [{ topic: PROFILES_TOPIC, kind: 'profiles' }],
  });
  first = await startWorker('worker-first');
  expect((await loop().describe()).runId).toBe(early.firstExecutionRunId);
  await until('it has a version', async () => (await loop().describe()).memo?.['version'] === LOOP_VERSION);
  await until('it works all partitions', async () => (await slicesOn(first)) === PARTITIONS);
  load = setInterval(() => {
    const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({
      ...event('profiles', `kol-${partition}`),
      partition,
    }));
    producer.send({ topic: PROFILES_TOPIC, messages }).catch(() => {}); // the broker is down in the last test
  }, EVENTS_EVERY_MS);
  gaps.start();
  await until('all partitions commit', () => Promise.resolve(gaps.partitions === PARTITIONS));
});

test('a new worker gets its share of the partitions within 90 s', async () => {
  second = await startWorker('worker-second');
  const started = performance.now();
  let share = 0;
  while (share < LEAST_SHARE && secondsSince(started) < 90) {
    await sleep(500);
    share = await slicesOn(second);
  }
  console.log(
    `the second worker works ${share} of ${PARTITIONS} after ${secondsSince(started).toFixed(1)} s`,
  );
  expect(share).toBeGreaterThanOrEqual(LEAST_SHARE);
});

test('a worker that shuts down completes its slices, and another worker continues its partitions', async () => {
  gaps.reset();
  await first.stop();
  await until('the other works all', async () => (await slicesOn(second)) === PARTITIONS);
  const types = await eventTypes();
  expect(types).toContain('activityTaskCompletedEventAttributes');
  expect(types).not.toContain('activityTaskTimedOutEventAttributes');
  expect(types).not.toContain('activityTaskFailedEventAttributes');
  await sleep(2000);
  console.log(`longest time without a commit while a worker drains: ${gaps.longest().toFixed(1)} s`);
  expect(gaps.longest()).toBeLessThan(10);
});

test('the partitions of a killed worker continue within 15 s', async () => {
  first = await startWorker('worker-third');
  gaps.reset();
  await second.kill();
  await sleep(20_000);
  console.log(`longest time without a commit after a kill: ${gaps.longest().toFixed(1)} s`);
  expect(gaps.longest()).toBeLessThan(15);
  expect(await slicesOn(first)).toBe(PARTITIONS);
});

test('no partition waits for long when the loop continues as new', async () => {
  const { runId } = await loop().describe();
  // Short slices fill the history until Temporal suggests a new run.
  await loop().executeUpdate(configureLoopUpdate, { args: [{ sliceSeconds: 1 }] });
  gaps.reset();
  await until('the loop has continued as new', async () => (await loop().describe()).runId !== runId, 300);
  const { startTime } = await loop().describe();
  await until('it works all', async () => (await slicesOn(first)) === PARTITIONS);
  await sleep(2000);
  const around = gaps.medianAround(startTime.getTime());
  console.log(
    `longest time without a commit, also between slices: ${gaps.longest().toFixed(1)} s; around continue-as-new, half of the partitions: ${around.toFixed(1)} s`,
  );
  expect(gaps.longest()).toBeLessThan(5);
  expect(around).toBeLessThan(2);
});

test('a seek fails within 60 s with the reason while Kafka is down, and the loop continues afterwards', async () => {
  await loop().executeUpdate(configureLoopUpdate, { args: [{ sliceSeconds: 60 }] });
  await engines.kafka.stop();
  const started = performance.now();
  const failure = await loop()
    .executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] })
    .then(
      () => 'the seek was done',
      (error: unknown) =>
        error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : String(error),
    );
  console.log(`the seek failed after ${secondsSince(started).toFixed(1)} s: ${failure}`);
  expect(secondsSince(started)).toBeLessThan(60);
  expect(failure).toMatch(/ECONNREFUSED|connection|no answer in time/i);
  await engines.kafka.start();
  gaps.reset();
  await until('all partitions commit again', () => Promise.resolve(gaps.partitions === PARTITIONS), 60);
});
