import { join } from 'node:path';
import { Client, isGrpcServiceError, type WorkflowHandle } from '@temporalio/client';
import { SCORING_TASK_QUEUE, scoringLoopId } from '../../contract/workflow-ids.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { until } from '../support/until.ts';
import type { Bench } from './bench.ts';
import { eventsOf } from './events.ts';
import type { Action, Fault, Point } from './points.ts';
import type { WorkerOrders } from './worker-orders.ts';
import { WorkerProcess } from './worker-process.ts';

export interface ArenaOptions {
  /** Profiles, where it does not say. */
  readonly kind?: EventKind;
  readonly partitions: number;
  /** Events to begin with. */
  readonly events: number;
  /** Different KOLs, or videos. */
  readonly ids: number;
  /** Offsets a batch. */
  readonly maxOffsets: number;
}

/** One run: an input topic, its loop in a Temporal namespace of its own, and its workers. */
export interface Arena {
  readonly topic: string;
  readonly kind: EventKind;
  readonly environment: NodeJS.ProcessEnv;
  startLoop(): Promise<WorkflowHandle<typeof scoringLoop>>;
  worker(orders?: Partial<Omit<WorkerOrders, 'workflowBundle'>>): WorkerProcess;
  /** A fault that happens once in this run. */
  fault(point: Point, action: Action, skip: number): Fault;
  /** Path of another marker, for a second fault. */
  marker(name: string): string;
  produce(first: number, count: number): Promise<void>;
  /** How many offsets are committed, over all partitions; `of` how many the topic has. */
  committed(): Promise<{ count: number; of: number }>;
  /** Waits until everything in the topic is committed. */
  untilAllCommitted(seconds?: number): Promise<void>;
  /** Ends loop and workers. */
  close(): Promise<void>;
}

/** Makes the topic and its dead letters, sends the events, and puts the group at the beginning. */
export async function createArena(bench: Bench, name: string, options: ArenaOptions): Promise<Arena> {
  const { kafka, producer, engines, temporal } = bench;
  const { kind = 'profiles', partitions, ids, maxOffsets } = options;
  const topic = `${name}.${kind}`;
  const workers: WorkerProcess[] = [];
  const environment: NodeJS.ProcessEnv = {
    ...engines,
    TEMPORAL_NAMESPACE: name,
    ML_API_URL: bench.mlUrl,
    SCORING_GROUP: name,
    LOG_LEVEL: 'silent',
  };
  const client = new Client({ connection: temporal, namespace: name });
  const loopId = scoringLoopId(topic);
  // Its own: topics that share one refresh each other's metadata away.
  const admin = kafka.admin();
  await admin.connect();

  await admin.createTopics({
    waitForLeaders: false,
    topics: [
      { topic, numPartitions: partitions },
      { topic: `${topic}.dlq`, numPartitions: 1 },
    ],
  });

  const arena: Arena = {
    topic,
    kind,
    environment,
    startLoop: () =>
      client.workflow.start<typeof scoringLoop>('scoringLoop', {
        taskQueue: SCORING_TASK_QUEUE,
        workflowId: loopId,
        args: [{ topic, kind, group: name, settings: { maxOffsets, trigger: 'available' } }],
      }),
    worker(orders = {}) {
      const worker = new WorkerProcess(environment, { ...orders, workflowBundle: engines.WORKFLOW_BUNDLE });
      workers.push(worker);
      return worker;
    },
    fault: (point, action, skip) => ({ point, action, skip, marker: arena.marker('fault') }),
    marker: (of) => join(bench.folder, `${name}-${of}`),
    async produce(first, count) {
      const messages = eventsOf(kind, topic, { first, count, ids, partitions });
      await producer.send({ topic, messages });
    },
    async committed() {
      const [[offsets], ends] = await Promise.all([
        admin.fetchOffsets({ groupId: name, topics: [topic] }),
        admin.fetchTopicOffsets(topic),
      ]);
      const sum = (all: readonly { offset: string }[]) =>
        all.reduce((total, { offset }) => total + Math.max(0, Number(offset)), 0);
      return { count: sum(offsets?.partitions ?? []), of: sum(ends) };
    },
    untilAllCommitted: (seconds = 90) =>
      until(
        `all of ${topic} is committed`,
        async () => {
          // kafkajs throws while the broker is away.
          const committed = await arena.committed().catch(() => undefined);
          return committed !== undefined && committed.count >= committed.of;
        },
        seconds,
      ),
    async close() {
      await Promise.all(workers.splice(0).map((worker) => worker.kill()));
      await client.workflow
        .getHandle(loopId)
        .terminate('the test is over')
        .catch((error: unknown) => {
          if (!isGrpcServiceError(error) && !(error instanceof Error)) throw error; // it may not run
        });
      await admin.disconnect();
    },
  };

  await until(`${topic} can be written`, async () => {
    // Asking too soon is an error.
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
    return topics[0]?.partitions.length === partitions;
  });
  await arena.produce(0, options.events);
  const beginning = Array.from({ length: partitions }, (_, partition) => ({ partition, offset: '0' }));
  await until(`${name} stands at the beginning`, async () => {
    // It can end without having committed anything; the loop would then begin at the end.
    await admin.setOffsets({ groupId: name, topic, partitions: beginning });
    const [offsets] = await admin.fetchOffsets({ groupId: name, topics: [topic] });
    return offsets?.partitions.filter(({ offset }) => offset === '0').length === partitions;
  });
  return arena;
}
