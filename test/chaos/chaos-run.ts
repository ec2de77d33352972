import { join } from 'node:path';
import { Client, type Connection, type WorkflowHandle } from '@temporalio/client';
import kafkajs, { type Admin, type Kafka, type Message, type Producer } from 'kafkajs';
import { createTopics } from '../../engines/create-topics.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { Addresses } from '../../engines/addresses.ts';
import { withAdmin } from '../../engines/definitions/kafka.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { until } from '../support/until.ts';
import { eventsOf } from './events.ts';
import type { Action, Fault, Point } from './fault-points.ts';
import { retryWhileDown } from './retry-while-down.ts';
import { WorkerProcess } from './worker-process.ts';
import type { WorkerSettings } from './worker-settings.ts';

export type ChaosAddresses = Addresses & { readonly WORKFLOW_BUNDLE: string };

/** What all runs of a test file share. */
export interface SharedClients {
  readonly engines: ChaosAddresses;
  readonly mlUrl: string;
  /** Folder of the marker files of faults. */
  readonly folder: string;
  readonly kafka: Kafka;
  readonly producer: Producer;
  readonly temporal: Connection;
}

export interface ChaosRunOptions {
  /** Default: profiles. */
  readonly kind?: EventKind;
  readonly partitions: number;
  /** Events that are in the topic before the loop starts. */
  readonly events: number;
  /** Number of different KOLs, or videos. */
  readonly ids: number;
  /** Maximum offsets in a batch of one partition. */
  readonly maxOffsets: number;
}

/** One run: an input topic, its loop in its own Temporal namespace, and its workers. */
export interface ChaosRun {
  readonly topic: string;
  readonly kind: EventKind;
  readonly environment: NodeJS.ProcessEnv;
  startLoop(): Promise<WorkflowHandle<typeof scoringLoop>>;
  startWorker(settings?: Partial<Omit<WorkerSettings, 'workflowBundle'>>): WorkerProcess;
  /** A fault that happens once in this run, after its point was passed `skip` times. */
  fault(point: Point, action: Action, skip: number): Fault;
  /** The path of a marker file. A run with a second fault needs a second marker. */
  marker(name: string): string;
  produce(first: number, count: number): Promise<void>;
  /** Offsets over all partitions: committed ones, and all in the topic. */
  countOffsets(): Promise<{ committed: number; total: number }>;
  /** Produces events through these brokers, and waits until they are committed. The clients of the run may wait for another broker. */
  readonly untilItScores: (brokers: readonly string[]) => Promise<void>;
  /** Waits until every offset in the topic is committed. */
  untilAllCommitted(seconds?: number): Promise<void>;
  /** Ends the loop and the workers. */
  close(): Promise<void>;
}

/** Creates the topic and its dead-letter topic, produces the events, and sets the group to the beginning. */
export async function createChaosRun(
  shared: SharedClients,
  name: string,
  options: ChaosRunOptions,
): Promise<ChaosRun> {
  const { kind = 'profiles', partitions, ids, maxOffsets } = options;
  const topic = `${name}.${kind}`;
  const workers: WorkerProcess[] = [];
  const client = new Client({ connection: shared.temporal, namespace: name });
  const loopId = scoringLoopId(topic);
  // One admin client per run: refreshing the metadata of one topic drops that of the others.
  const admin = shared.kafka.admin();
  await admin.connect();

  const run: ChaosRun = {
    topic,
    kind,
    environment: environmentOfRun(shared, name),
    startLoop: () =>
      client.workflow.start<typeof scoringLoop>('scoringLoop', {
        taskQueue: SCORING_TASK_QUEUE,
        workflowId: loopId,
        args: [{ topic, kind, group: name, settings: { maxOffsets, trigger: 'available', sliceSeconds: 5 } }],
      }),
    startWorker(settings = {}) {
      const workflowBundle = shared.engines.WORKFLOW_BUNDLE;
      const worker = new WorkerProcess(run.environment, { ...settings, workflowBundle });
      workers.push(worker);
      return worker;
    },
    fault: (point, action, skip) => ({ point, action, skip, marker: run.marker('fault') }),
    marker: (suffix) => join(shared.folder, `${name}-${suffix}`),
    async produce(first, count) {
      const messages = eventsOf(kind, topic, { first, count, ids, partitions });
      await shared.producer.send({ topic, messages });
    },
    countOffsets: () => countOffsets(admin, name, topic),
    async untilItScores(brokers) {
      const messages = eventsOf(kind, topic, { count: 20 * partitions, ids, partitions });
      await retryWhileDown(() => sendOnce(brokers, topic, messages));
      const count = () =>
        retryWhileDown(() => withAdmin(brokers, 0, (some) => countOffsets(some, name, topic)));
      const { total } = await count();
      await until(`${total} offsets are committed`, async () => (await count()).committed >= total, 120);
    },
    untilAllCommitted: (seconds = 90) => untilAllCommitted(run, seconds),
    async close() {
      await Promise.all(workers.splice(0).map((worker) => worker.kill()));
      await terminateLoop(client, loopId);
      await admin.disconnect();
    },
  };

  await createTopics(admin, [
    { topic, numPartitions: partitions },
    { topic: `${topic}.dlq`, numPartitions: 1 },
  ]);
  await run.produce(0, options.events);
  await setToBeginning(admin, name, topic, partitions);
  return run;
}

const environmentOfRun = (shared: SharedClients, name: string): NodeJS.ProcessEnv => ({
  ...shared.engines,
  TEMPORAL_NAMESPACE: name,
  ML_API_URL: shared.mlUrl,
  SCORING_GROUP: name,
  LOG_LEVEL: 'silent',
});

async function sendOnce(brokers: readonly string[], topic: string, messages: Message[]): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  try {
    await producer.send({ topic, messages });
  } finally {
    await producer.disconnect();
  }
}

/** Commits offset 0 in every partition. Without a committed offset the loop would start at the end. */
async function setToBeginning(admin: Admin, group: string, topic: string, count: number): Promise<void> {
  const partitions = Array.from({ length: count }, (_, partition) => ({ partition, offset: '0' }));
  await until(`offset 0 is committed for ${group}`, async () => {
    // kafkajs may return without having committed: read the offsets back.
    await admin.setOffsets({ groupId: group, topic, partitions });
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    return offsets?.partitions.filter(({ offset }) => offset === '0').length === count;
  });
}

async function countOffsets(
  admin: Admin,
  group: string,
  topic: string,
): Promise<{ committed: number; total: number }> {
  // First the ends: that loads the metadata, without which kafkajs finds no coordinator.
  const ends = await admin.fetchTopicOffsets(topic);
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const sum = (all: readonly { offset: string }[]) =>
    all.reduce((total, { offset }) => total + Math.max(0, Number(offset)), 0);
  return { committed: sum(offsets?.partitions ?? []), total: sum(ends) };
}

const untilAllCommitted = (run: ChaosRun, seconds: number): Promise<void> =>
  until(
    `every offset of ${run.topic} is committed`,
    async () => {
      // kafkajs throws while the broker is down.
      const counts = await run.countOffsets().catch(() => undefined);
      return counts !== undefined && counts.committed >= counts.total;
    },
    seconds,
  );

/** Best effort: the loop may not be running. */
const terminateLoop = (client: Client, workflowId: string): Promise<unknown> =>
  client.workflow
    .getHandle(workflowId)
    .terminate('the test has ended')
    .catch(() => {});
