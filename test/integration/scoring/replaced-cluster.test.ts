import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTopics } from '../../../engines/create-topics.ts';
import { withAdmin } from '../../../engines/definitions/kafka.ts';
import { stackPaths, testStackFolder, type StackPaths } from '../../../engines/paths.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import { startKafkaCluster, type KafkaCluster } from '../../chaos/kafka-cluster.ts';
import { event, loopHarness, outcomeCount, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { until } from '../../support/until.ts';

const PARTITIONS = 2;

let ports: number[];
let cluster: KafkaCluster;
let harness: LoopHarness;
beforeAll(async () => {
  ports = await someFreePorts(2);
  cluster = await startKafkaCluster({ paths: pathsOfOther(), ports });
  harness = await loopHarness(10, { latencyMs: 1, env: { KAFKA_BROKERS: cluster.brokers } });
});
afterAll(async () => {
  await harness?.close();
  await cluster?.stop();
});

/** Beside the Kafka of the other tests. The records of processes are in the same folder: the next run stops what this one leaves. */
function pathsOfOther(): StackPaths {
  const paths = stackPaths(testStackFolder);
  const other = (name: string) => `other-${name}`;
  return {
    ...paths,
    data: (engine) => paths.data(other(engine)),
    log: (name) => paths.log(other(name)),
    process: (name) => paths.process(other(name)),
  };
}

/** With a producer of its own, which knows no other cluster. */
async function send(topic: string, name: string, count: number): Promise<void> {
  const producer = harness.kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: PARTITIONS * count }, (_, index) => ({
    ...event('profiles', `${name}-${index}`),
    partition: index % PARTITIONS,
  }));
  await producer.send({ topic, messages });
  await producer.disconnect();
}

test('another Kafka behind the same address is noticed by a running loop, which reads the topic there from its beginning', async () => {
  const topic = await harness.newTopic(PARTITIONS);
  const untilOutcomes = (loop: Parameters<typeof outcomeCount>[0], count: number) =>
    until(`${count} events have an outcome`, async () => (await outcomeCount(loop)) === count, 120);
  await harness.withLoop(topic, async (loop) => {
    await send(topic, 'first', 5);
    await untilOutcomes(loop, 10);
    await cluster.stop();
    cluster = await startKafkaCluster({ paths: pathsOfOther(), ports });
    const topics = [topic, `${topic}.dlq`].map((name) => ({ topic: name, numPartitions: PARTITIONS }));
    await withAdmin([cluster.brokers], 10, (admin) => createTopics(admin, topics));
    await send(topic, 'second', 2);
    await untilOutcomes(loop, 14);
    await until('the state says so', async () =>
      (await stateOf(loop)).partitions.every(
        ({ disagreement, position, stuck }) =>
          disagreement?.kind === 'replaced' && position === 2 && stuck === null,
      ),
    );
    expect((await stateOf(loop)).totals).toMatchObject({ scored: 14, deadLetters: 0, expired: 0 });
  });
}, 400_000);
