import type { WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs, { type Admin, type Message, type Producer } from 'kafkajs';
import type { Config } from '../../config/config.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { SCORING_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import { loopStateQuery } from '../../contract/messages.ts';
import type { LoopState } from '../../contract/scoring-loop.ts';
import type { scoringLoop, ScoringLoopArgs } from '../../workflows/scoring/scoring-loop.ts';
import { testConfig, testDependencies } from './dependencies.ts';
import { startMlService } from './ml-service.ts';
import { until } from './until.ts';
import { withWorker } from './worker.ts';

export type LoopHandle = WorkflowHandle<typeof scoringLoop>;

/** What tests of the scoring loop work with: real clients of every engine it touches, and an ML service of their own. */
export interface LoopHarness {
  readonly config: Config;
  readonly dependencies: Awaited<ReturnType<typeof testDependencies>>;
  readonly redis: Redis;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly ml: Awaited<ReturnType<typeof startMlService>>;
  /** A topic of its own, with its dead-letter topic. */
  newTopic(partitions?: number): Promise<string>;
  startLoop(topic: string, args?: Partial<ScoringLoopArgs>): Promise<LoopHandle>;
  /** Runs a worker and a loop from the end of the topic, and hands over once the loop stands there. */
  withLoop(
    topic: string,
    work: (loop: LoopHandle) => Promise<void>,
    args?: Partial<ScoringLoopArgs>,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Each test file has a Redis database and a consumer group of its own. */
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
  let topics = 0;

  const harness: LoopHarness = {
    config,
    dependencies,
    redis,
    admin,
    producer,
    ml,
    async newTopic(partitions = 3) {
      const topic = `test-${process.pid}-${(topics += 1)}`;
      await admin.createTopics({
        topics: [
          { topic, numPartitions: partitions },
          {
            topic: `${topic}.dlq`,
            numPartitions: 1,
            configEntries: [{ name: 'max.message.bytes', value: String(2 * 1024 * 1024) }],
          },
        ],
      });
      return topic;
    },
    startLoop: (topic, args = {}) =>
      dependencies.temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
        taskQueue: SCORING_TASK_QUEUE,
        workflowId: `scoring-loop/${topic}`,
        args: [{ topic, group, settings: { trigger: 0.1 }, ...args }],
      }),
    withLoop: (topic, work, args) =>
      withWorker(SCORING_TASK_QUEUE, dependencies.scoringActivities, async () => {
        const loop = await harness.startLoop(topic, args);
        try {
          await until('the loop has its place in the topic', async () => {
            // A fresh broker may have no coordinator for the group yet.
            const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] }).catch(() => []);
            return offsets !== undefined && offsets.partitions.every(({ offset }) => offset !== '-1');
          });
          await work(loop);
        } finally {
          await loop.terminate('the test is over');
        }
      }),
    async close() {
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

export const stateOf = (loop: LoopHandle): Promise<LoopState> => loop.query(loopStateQuery);

/** Input records that the loop has an outcome for. */
export async function accounted(loop: LoopHandle): Promise<number> {
  const { scored, deadLetters, late, superseded } = (await stateOf(loop)).totals;
  return scored + deadLetters + late + superseded;
}

/** An event as scrapers send it, keyed as they key it. */
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
