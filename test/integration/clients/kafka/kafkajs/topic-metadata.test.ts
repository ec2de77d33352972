import type { Admin, Kafka, Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTopics } from '../../../../../engines/create-topics.ts';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import {
  createLazyCluster,
  type Cluster,
  type LazyCluster,
} from '../../../../../clients/kafka/kafkajs/cluster.ts';
import { fetchRecords, pollPartitions } from '../../../../../clients/kafka/kafkajs/fetch.ts';
import { requestMetadata } from '../../../../../clients/kafka/kafkajs/metadata-request.ts';
import { findLeader, findTopic } from '../../../../../clients/kafka/kafkajs/topic-metadata.ts';
import { TopicNotFoundError } from '../../../../../clients/kafka/topic-errors.ts';
import { NO_TOPIC_ID } from '../../../../../domain/scoring/committed-metadata.ts';
import { decodeAll } from '../../../../support/fetch-all.ts';
import { until } from '../../../../support/until.ts';
import { testEngines } from '../../../../support/test-engines.ts';

let kafka: Kafka;
let lazyCluster: LazyCluster;
let cluster: Cluster;
let admin: Admin;
let producer: Producer;
let topic: string;
let other: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([testEngines().KAFKA_BROKERS], 'test-metadata', () => {});
  lazyCluster = createLazyCluster(kafka);
  admin = kafka.admin();
  producer = kafka.producer();
  [cluster] = await Promise.all([lazyCluster.connected(), admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([lazyCluster.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = `test-metadata-${process.pid}-${(topics += 1)}`;
  other = `${topic}-other`;
  await createTopics(
    admin,
    [topic, other].map((name) => ({ topic: name, numPartitions: 2 })),
  );
});

const fetch = async (name: string) => {
  const nodeId = await findLeader(cluster, name, 0);
  const request = { topic: name, partition: 0, offset: 0, maxBytes: 1024 * 1024, maxWaitMs: 0 };
  const { messages, error } = await decodeAll(await fetchRecords(cluster, nodeId, request));
  return error ?? messages.map(({ value }) => value?.toString());
};
const deleteTopic = async () => {
  await admin.deleteTopics({ topics: [topic] });
  await until('the topic is gone', async () => (await findTopic(cluster, topic)) === null);
};
const broker = () => cluster.brokerPool.findConnectedBroker();

test('kafkajs requests the nodes and no topic, so no topic can make its own requests fail', async () => {
  await cluster.refreshMetadata();
  const { metadata } = cluster.brokerPool as unknown as {
    metadata: { brokers: readonly object[]; topicMetadata: readonly object[] };
  };
  expect([metadata.brokers.length, metadata.topicMetadata]).toEqual([1, []]);
});

describe('a deleted topic', () => {
  test('does not disturb the other topics of the client, nor its connections', async () => {
    await producer.send({ topic: other, messages: [{ partition: 0, value: 'x' }] });
    expect([await fetch(topic), await fetch(other)]).toEqual([[], ['x']]);
    const sockets = await connections();
    const nodeId = await findLeader(cluster, topic, 0);
    await deleteTopic();
    await expect(fetch(topic)).rejects.toThrow(TopicNotFoundError);
    expect(await fetch(other)).toEqual(['x']);
    const states = await pollPartitions(
      cluster,
      nodeId,
      [topic, other].map((name) => ({ topic: name, partition: 0, offset: 0 })),
      0,
    );
    expect(states.map(({ error }) => error)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', null]);
    await cluster.refreshMetadata();
    expect(await fetch(other)).toEqual(['x']);
    expect(await connections()).toEqual(sockets);
  });

  test('is found again when it is created again', async () => {
    const before = await findTopic(cluster, topic);
    await deleteTopic();
    await createTopics(admin, [{ topic, numPartitions: 1 }]);
    await until('the topic is back', async () => (await findTopic(cluster, topic)) !== null);
    expect((await findTopic(cluster, topic))?.topicId).not.toBe(before?.topicId);
    expect(await fetch(topic)).toEqual([]);
    await expect(findLeader(cluster, topic, 1)).rejects.toThrow(`Topic ${topic} has no partition 1`);
  });
});

describe('metadata', () => {
  test('finds leaders, those of added partitions immediately', async () => {
    await findLeader(cluster, topic, 0);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until('the broker shows 3 partitions', async () => {
      const { topics: shown } = await requestMetadata(await broker(), [topic]);
      return shown[0]?.partitions.length === 3;
    });
    expect(await findLeader(cluster, topic, 2)).toBe(await findLeader(cluster, topic, 0));
    await expect(findLeader(cluster, 'test-nowhere', 0)).rejects.toThrow('There is no topic test-nowhere');
  });

  test('is the same from brokers without topic ids, except for the id', async () => {
    const real = await broker();
    const withIds = await requestMetadata(real, [topic, 'test-nowhere']);
    const old = Object.assign(Object.create(real) as typeof real, {
      versions: { 3: { minVersion: 0, maxVersion: 8 } },
    });
    const withoutIds = await requestMetadata(old, [topic, 'test-nowhere']);
    expect(withIds.topics[0]?.topicId).not.toBe(NO_TOPIC_ID);
    expect(withoutIds).toEqual({
      ...withIds,
      topics: withIds.topics.map((found) => ({ ...found, topicId: NO_TOPIC_ID })),
    });
    expect(await requestMetadata(real, [])).toMatchObject({ brokers: [{ nodeId: 1 }], topics: [] });
    expect(await requestMetadata(old, [])).toMatchObject({ brokers: [{ nodeId: 1 }], topics: [] });
  });
});

/** The local ports of the connections to the broker, which a new connection changes. */
async function connections(): Promise<(number | undefined)[]> {
  const { connectionPool } = (await broker()) as unknown as {
    connectionPool: { pool: { socket?: { localPort?: number } }[] };
  };
  return connectionPool.pool.map(({ socket }) => socket?.localPort);
}
