import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTopics } from '../../../../engines/create-topics.ts';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { createOffsets, type Offsets } from '../../../../clients/kafka/offsets.ts';
import { TopicNotFoundError } from '../../../../clients/kafka/topic-errors.ts';
import { until } from '../../../support/until.ts';
import { testEngines } from '../../../support/test-engines.ts';

// A loop that finds no committed offset starts at the end of the topic. So nothing else may look like "never committed".

const neverCommitted = { offset: null, metadata: null };
let kafka: Kafka;
let admin: Admin;
let producer: Producer;
let offsets: Offsets;
let topic: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([testEngines().KAFKA_BROKERS], 'test-offsets', () => {});
  admin = kafka.admin();
  producer = kafka.producer();
  offsets = createOffsets(kafka);
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([offsets.close(), admin.disconnect(), producer.disconnect()]));

const create = (name: string) => createTopics(admin, [{ topic: name, numPartitions: 2 }]);
beforeEach(async () => {
  topic = `test-offsets-${process.pid}-${(topics += 1)}`;
  await create(topic);
});

/** A transaction that has committed offset 7 of partition 1, and is not ended. */
async function pendingCommit(group: string) {
  const transactionalId = `${topic}/${group}`;
  const client = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await client.connect();
  const transaction = await client.transaction();
  await transaction.send({ topic, messages: [{ partition: 0, value: 'x' }] });
  const partitions = [{ partition: 1, offset: '7', metadata: 'seven' }];
  await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] });
  return { transaction, close: () => client.disconnect() };
}

describe('committed offsets', () => {
  test('are null for a group that never committed', async () => {
    expect(await offsets.committed('test-nobody', topic, 1)).toEqual(neverCommitted);
    expect((await offsets.read('test-nobody', topic)).partitions).toEqual([
      { partition: 0, committed: null, metadata: null },
      { partition: 1, committed: null, metadata: null },
    ]);
  });

  test('of a partition or topic that does not exist are an error', async () => {
    await expect(offsets.committed('test-nobody', topic, 2)).rejects.toThrow(TopicNotFoundError);
    await expect(offsets.committed('test-nobody', 'test-nowhere', 0)).rejects.toThrow(TopicNotFoundError);
    await expect(offsets.read('test-nobody', 'test-nowhere')).rejects.toThrow(TopicNotFoundError);
  });

  test('of a partition that was added since the last call are found', async () => {
    await offsets.committed('test-nobody', topic, 0);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until('the broker shows 3 partitions', async () => {
      return (await offsets.read('test-nobody', topic)).partitions.length === 3;
    });
    expect(await offsets.committed('test-nobody', topic, 2)).toEqual(neverCommitted);
  });

  test('wait for a pending commit, while `read` returns the offset before it', async () => {
    const group = `test-pending-${topic}`;
    const { transaction, close } = await pendingCommit(group);
    let ended = false;
    const committed = offsets.committed(group, topic, 1).finally(() => (ended = true));
    // The record of the transaction is not readable either.
    expect(await offsets.ends(topic, 0)).toEqual({ low: 0, high: 0 });
    expect((await offsets.read(group, topic)).partitions[1]).toMatchObject({
      committed: null,
      metadata: null,
    });
    await sleep(300);
    expect(ended).toBe(false);
    await transaction.commit();
    const seven = { offset: 7, metadata: 'seven' };
    expect(await committed).toEqual(seven);
    // The next read follows the marker, so it has the offset too.
    const { partitions } = await offsets.read(group, topic);
    expect(partitions[1]).toMatchObject({ committed: 7, metadata: 'seven' });
    await close();
  });

  test('do not wait for pending commits of other partitions', async () => {
    const group = `test-other-${topic}`;
    const { transaction, close } = await pendingCommit(group);
    expect(await offsets.committed(group, topic, 0)).toEqual(neverCommitted);
    await transaction.abort();
    expect(await offsets.committed(group, topic, 1)).toEqual(neverCommitted);
    await close();
  });
});

test('offsets are found by time, and the end where no record is as late', async () => {
  const messages = [1000, 2000, 3000].map((ms) => ({ partition: 0, value: 'x', timestamp: String(ms) }));
  await producer.send({ topic, messages });
  const at = (timeMs: number) => Promise.all([0, 1].map((partition) => offsets.at(topic, partition, timeMs)));
  expect(await at(0)).toEqual([0, 0]);
  expect(await at(-1)).toEqual([0, 0]); // Kafka's sign for the end
  expect(await at(1500)).toEqual([1, 0]);
  expect(await at(3001)).toEqual([3, 0]);
});

describe('a topic', () => {
  test('has another id when it is deleted and created again', async () => {
    const before = await offsets.topic(topic);
    const { clusterId, topicId } = await offsets.read('test-nobody', topic);
    expect(before).toEqual({ clusterId, topicId, partitionCount: 2 });
    expect((await admin.describeCluster()).clusterId).toBe(clusterId);
    await admin.deleteTopics({ topics: [topic] });
    const isThere = () =>
      offsets.topic(topic).then(
        () => true,
        (error: unknown) => !(error instanceof TopicNotFoundError),
      );
    await until('the topic is gone', async () => !(await isThere()));
    await create(topic);
    await until('the topic is back', isThere);
    const after = await offsets.topic(topic);
    expect(after.clusterId).toBe(clusterId);
    expect(after.topicId).not.toBe(topicId);
  });

  test('cannot be told while Kafka is down', async () => {
    const nowhere = new kafkajs.Kafka({
      ...{ brokers: ['127.0.0.1:1'], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } },
    });
    const unreachable = createOffsets(nowhere);
    await expect(unreachable.topic(topic)).rejects.toThrow();
    await unreachable.close();
  });
});
