import type { WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs, { type Admin, type Kafka, type Message, type Producer } from 'kafkajs';
import { createTopics } from '../../engines/create-topics.ts';
import { withAdmin } from '../../engines/definitions/kafka.ts';
import type { Config } from '../../config/config.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { loopStateQuery } from '../../contract/messages.ts';
import type { LoopState } from '../../contract/scoring-loop.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { testConfig, testDependencies } from './dependencies.ts';
import { startMlService } from './ml-service.ts';
import { until } from './until.ts';
import { startScoringWorker } from './worker.ts';
import type { ScoringLoopInput } from '../../contract/scoring-loop.ts';

export type LoopHandle = WorkflowHandle<typeof scoringLoop>;

/** The test files of a process number their topics on. */
let topics = 0;

/** Clients of the engines that the scoring loop uses, its activities, and an ML service. */
export interface LoopHarness {
  readonly config: Config;
  readonly dependencies: Awaited<ReturnType<typeof testDependencies>>;
  readonly redis: Redis;
  readonly kafka: Kafka;
  /** Shared by the tests of the file; not for topics that are deleted or get partitions (see `withAdmin`). */
  readonly admin: Admin;
  /**
   * Runs some work with an admin client of its own. kafkajs requests the metadata of all topics that a client has used, which fails for
   * all while one is deleted or a new partition has no leader.
   */
  withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T>;
  readonly producer: Producer;
  readonly ml: Awaited<ReturnType<typeof startMlService>>;
  /** Creates an input topic and its dead-letter topic. */
  newTopic(partitions?: number): Promise<string>;
  startLoop(topic: string, args?: Partial<ScoringLoopInput>): Promise<LoopHandle>;
  /** Runs a loop that starts at the end of the topic, and calls `work` once that offset is committed. Starts the worker of the file. */
  withLoop(
    topic: string,
    work: (loop: LoopHandle) => Promise<void>,
    args?: Partial<ScoringLoopInput>,
  ): Promise<void>;
  /** Stops the worker of the file. */
  stopWorker(): Promise<void>;
  close(): Promise<void>;
}

/** Batches soon, and reports each second: the state of a loop is as old as the last report. */
const QUICK = { trigger: 0.1, sliceSeconds: 1 };

/** @param redisDatabase also names the consumer group; no other file of scoring tests may use the same */
export async function loopHarness(
  redisDatabase: number,
  { latencyMs = 50, env = {} }: { latencyMs?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<LoopHarness> {
  const ml = await startMlService({ latencyMs, faults: true });
  const group = `test-${redisDatabase}`;
  const config = testConfig(redisDatabase, { ML_API_URL: ml.url, SCORING_GROUP: group, ...env });
  const dependencies = await testDependencies(config);
  const redis = new Redis(config.REDIS_URL, { protocol: 2 });
  const kafka = new kafkajs.Kafka({ brokers: config.KAFKA_BROKERS, logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  let worker: ReturnType<typeof startScoringWorker> | undefined;

  const harness: LoopHarness = {
    config,
    dependencies,
    redis,
    kafka,
    admin,
    withAdmin: (work) => withAdmin(config.KAFKA_BROKERS, 10, work),
    producer,
    ml,
    async newTopic(partitions = 3) {
      const topic = `test-${process.pid}-${(topics += 1)}`;
      await harness.withAdmin((own) => createInput(own, topic, partitions));
      return topic;
    },
    startLoop: (topic, args = {}) =>
      dependencies.temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
        taskQueue: SCORING_TASK_QUEUE,
        workflowId: `scoring-loop/${topic}`,
        args: [{ topic, group, ...args, settings: { ...QUICK, ...args.settings } }],
      }),
    async withLoop(topic, work, args) {
      await (worker ??= startScoringWorker(config, dependencies.activities));
      const loop = await harness.startLoop(topic, args);
      try {
        await harness.withAdmin((own) => untilStartCommitted(own, group, topic));
        await work(loop);
      } finally {
        await loop.terminate('the test has ended');
      }
    },
    async stopWorker() {
      const stop = await worker;
      worker = undefined;
      await stop?.();
    },
    async close() {
      await harness.stopWorker();
      await Promise.all([
        dependencies.close(),
        redis.quit(),
        admin.disconnect(),
        producer.disconnect(),
        ml.stop(),
      ]);
    },
  };
  return harness;
}

/** Creates an input topic, and its dead-letter topic with the message size that docs/dead-letters.md recommends. */
async function createInput(admin: Admin, topic: string, partitions: number): Promise<void> {
  const deadLetterSize = { name: 'max.message.bytes', value: String(2 * 1024 * 1024) };
  await createTopics(admin, [
    { topic, numPartitions: partitions },
    { topic: `${topic}.dlq`, numPartitions: 1, configEntries: [deadLetterSize] },
  ]);
}

const untilStartCommitted = (admin: Admin, group: string, topic: string): Promise<void> =>
  until('the start of the loop is committed', async () => {
    // A broker that has just started may have no coordinator for the group yet.
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => []);
    return offsets !== undefined && offsets.partitions.every(({ offset }) => offset !== '-1');
  });

export const stateOf = (loop: LoopHandle): Promise<LoopState> => loop.query(loopStateQuery);

/** Number of input records that have an outcome. */
export async function outcomeCount(loop: LoopHandle): Promise<number> {
  const { scored, deadLetters, superseded, dropped } = (await stateOf(loop)).totals;
  return scored + deadLetters + superseded + dropped;
}

/** An event with the fields and the key that scrapers send. */
export const event = (kind: EventKind, id: string, more: object = {}): Message => ({
  key: id,
  value: JSON.stringify({
    event_type: kind === 'profiles' ? 'profile' : 'video',
    platform: 'tiktok',
    [kind === 'profiles' ? 'username' : 'video_id']: id,
    event_time: new Date().toISOString(),
    ...more,
  }),
});
