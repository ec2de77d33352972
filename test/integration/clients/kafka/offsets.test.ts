import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { createOffsets, type Offsets } from '../../../../clients/kafka/offsets.ts';

// A loop that finds no committed offset starts at the end of the topic. So nothing else may look like "never committed".

const topic = `test-offsets-${process.pid}`;
let admin: Admin;
let offsets: Offsets;

beforeAll(async () => {
  const kafka = createKafkaClient([inject('engines').KAFKA_BROKERS], 'test-offsets', () => {});
  admin = kafka.admin();
  offsets = createOffsets(kafka);
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
});
afterAll(() => Promise.all([offsets.close(), admin.disconnect()]));

test('a group that never committed has no committed offset', async () => {
  const neverCommitted = { offset: null, metadata: null };
  expect(await offsets.committed('test-nobody', topic, 1)).toEqual(neverCommitted);
  expect(await offsets.read('test-nobody', topic)).toMatchObject([
    { partition: 0, committed: null, low: 0, high: 0 },
    { partition: 1, committed: null, low: 0, high: 0 },
  ]);
});

test('a partition that is missing from the response is an error', async () => {
  await expect(offsets.committed('test-nobody', topic, 2)).rejects.toThrow(
    `Kafka returned no committed offset of test-nobody for partition 2 of ${topic}`,
  );
});

test('a partition that was added since the last call is found', async () => {
  const grown = `${topic}-grown`;
  await admin.createTopics({ topics: [{ topic: grown, numPartitions: 1 }] });
  await offsets.committed('test-nobody', grown, 0);
  await admin.createPartitions({ topicPartitions: [{ topic: grown, count: 3 }] });
  expect(await offsets.committed('test-nobody', grown, 2)).toEqual({ offset: null, metadata: null });
});
