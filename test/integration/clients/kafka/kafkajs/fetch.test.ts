import kafkajs, { type Admin, type ITopicConfig, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createTopics } from '../../../../../engines/create-topics.ts';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import {
  createLazyCluster,
  type Cluster,
  type LazyCluster,
} from '../../../../../clients/kafka/kafkajs/cluster.ts';
import { fetchRecords, pollPartitions } from '../../../../../clients/kafka/kafkajs/fetch.ts';
import { decodeAll } from '../../../../support/fetch-all.ts';
import { until } from '../../../../support/until.ts';
import { testEngines } from '../../../../support/test-engines.ts';

/** The only node of the test engines. */
const NODE = '1';
const LONG_WAIT_MS = 10_000;
const SHORT_WAIT_MS = 300;
const TIMER_TOLERANCE_MS = 20;

let kafka: Kafka;
let lazyCluster: LazyCluster;
let cluster: Cluster;
let admin: Admin;
let producer: Producer;
let topic: string;
let topics = 0;

async function newTopic(options: Partial<ITopicConfig> = {}): Promise<string> {
  const name = `test-fetch-${process.pid}-${(topics += 1)}`;
  await createTopics(admin, [{ topic: name, numPartitions: 2, ...options }]);
  return name;
}
beforeAll(async () => {
  kafka = createKafkaClient([testEngines().KAFKA_BROKERS], 'test-fetch', () => {});
  lazyCluster = createLazyCluster(kafka);
  admin = kafka.admin();
  producer = kafka.producer();
  [cluster] = await Promise.all([lazyCluster.connected(), admin.connect(), producer.connect()]);
  await cluster.refreshMetadata();
});
afterAll(() => Promise.all([lazyCluster.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = await newTopic();
});

const transactional = async (id: string) => {
  const transactionalId = `${topic}/${id}`;
  const client = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await client.connect();
  return client;
};
const send = (partition: number, ...values: string[]) =>
  producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
const poll = (offsets: readonly number[], maxWaitMs: number) => {
  const partitions = offsets.map((offset, partition) => ({ topic, partition, offset }));
  return pollPartitions(cluster, NODE, partitions, maxWaitMs);
};
const fetch = async (offset: number, maxBytes = 1024 * 1024) =>
  decodeAll(await fetchRecords(cluster, NODE, { topic, partition: 0, offset, maxBytes, maxWaitMs: 0 }));

describe('pollPartitions', () => {
  test('returns the ends of the log, also for a partition whose offset is out of range', async () => {
    await send(0, 'a', 'b');
    await send(1, 'c', 'd', 'e');
    await admin.fetchTopicOffsets(topic); // refreshes the metadata that deleteTopicRecords uses
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '2' }] });
    const ends = { topic, partition: 1, logStart: 2, lastStable: 3, high: 3 };
    const intact = { topic, partition: 0, error: null, logStart: 0, lastStable: 2, high: 2 };
    for (const outside of [0, 4])
      expect(await poll([0, outside], 0)).toEqual([intact, { ...ends, error: 'OFFSET_OUT_OF_RANGE' }]);
  });

  test('waits until one partition has a record at its offset', async () => {
    await send(0, 'known');
    const started = performance.now();
    const state = poll([1, 0], LONG_WAIT_MS);
    await send(1, 'new');
    expect(await state).toMatchObject([{ high: 1 }, { high: 1 }]);
    expect(performance.now() - started).toBeLessThan(LONG_WAIT_MS);
    const waiting = performance.now();
    await poll([1, 1], SHORT_WAIT_MS);
    expect(performance.now() - waiting).toBeGreaterThan(SHORT_WAIT_MS - TIMER_TOLERANCE_MS);
  });

  test('waits for the commit of a transaction, not for its records', async () => {
    const client = await transactional('wait');
    const transaction = await client.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: 'x' }] });
    expect(await poll([0], SHORT_WAIT_MS)).toMatchObject([{ lastStable: 0, high: 1 }]);
    const state = poll([0], LONG_WAIT_MS);
    await transaction.commit();
    expect(await state).toMatchObject([{ lastStable: 2, high: 2 }]);
    await client.disconnect();
  });

  test('names the topic or partition that does not exist', async () => {
    const nowhere = { topic: 'test-nowhere', partition: 0, offset: 0 };
    const states = await pollPartitions(
      cluster,
      NODE,
      [nowhere, { topic, partition: 0, offset: 0 }, { topic, partition: 7, offset: 0 }],
      0,
    );
    expect(states.map(({ error }) => error)).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
      null,
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
  });
});

describe('fetchRecords', () => {
  test('returns complete batches, and the offset after them', async () => {
    await send(0, 'a', 'b');
    await send(0, 'c');
    const { messages, nextOffset, error, high } = await fetch(1);
    expect({ nextOffset, error, high }).toEqual({ nextOffset: 3, error: null, high: 3 });
    expect(messages.map(({ offset, value }) => `${offset} ${value?.toString()}`)).toEqual([
      '0 a',
      '1 b',
      '2 c',
    ]);
    expect(await fetch(3)).toMatchObject({ messages: [], nextOffset: null, error: null });
    expect(await fetch(0, 1)).toMatchObject({ nextOffset: 2 });
  });

  test('leaves out aborted records and the markers of transactions', async () => {
    const client = await transactional('abort');
    const transaction = await client.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: 'aborted' }] });
    await transaction.abort();
    await until('its marker is there', async () => (await fetch(0)).nextOffset === 2);
    await send(0, 'committed');
    expect((await fetch(0)).messages.map(({ offset }) => offset)).toEqual([2]);
    await client.disconnect();
  });

  test('returns the error of the partition', async () => {
    await send(0, 'a');
    expect(await fetch(7)).toMatchObject({
      error: 'OFFSET_OUT_OF_RANGE',
      ...{ logStart: 0, lastStable: 1, high: 1, messages: [], nextOffset: null },
    });
  });

  test('passes batches that compaction has emptied', async () => {
    await setCleanerBackoff(100);
    onTestFinished(() => setCleanerBackoff());
    topic = await newTopic({
      numPartitions: 1,
      configEntries: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'min.cleanable.dirty.ratio', value: '0.001' },
        { name: 'segment.ms', value: '100' },
      ],
    });
    // The broker keeps the last batch of each producer, also when all its records are superseded.
    for (let id = 0; id < 3; id += 1) {
      const client = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await client.connect();
      await client.send({ topic, messages: [{ key: 'key', value: String(id) }] });
      await client.disconnect();
    }
    await until('compaction has removed the first records', async () => {
      await producer.send({ topic, messages: [{ key: 'key', value: 'starts a segment' }] });
      return (await fetch(0)).messages.every(({ offset }) => offset > 1);
    });
    expect(await fetch(0, 1)).toMatchObject({ messages: [], nextOffset: 1 });
    expect(await fetch(1, 1)).toMatchObject({ messages: [], nextOffset: 2 });
  });
});

/** Sets how often the broker looks for segments to compact: by default every 15 s. */
async function setCleanerBackoff(ms?: number): Promise<void> {
  const configEntries = ms === undefined ? [] : [{ name: 'log.cleaner.backoff.ms', value: String(ms) }];
  const resources = [{ type: kafkajs.ConfigResourceTypes.BROKER, name: NODE, configEntries }];
  await admin.alterConfigs({ validateOnly: false, resources });
}
