import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { createOffsets, type Offsets } from '../../../../clients/kafka/offsets.ts';

/** "Never committed" makes a loop begin at the end, so nothing else may look like it. */
const topic = `test-positions-${process.pid}`;
let admin: Admin;
let positions: Offsets;

beforeAll(async () => {
  const kafka = createKafkaClient([inject('engines').KAFKA_BROKERS], 'test-positions', () => {});
  admin = kafka.admin();
  positions = createOffsets(kafka);
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
});
afterAll(() => Promise.all([positions.close(), admin.disconnect()]));

test('a group that never committed stands nowhere', async () => {
  const never = { offset: null, metadata: null };
  expect(await positions.committed('test-nobody', topic, 1)).toEqual(never);
  expect(await positions.read('test-nobody', topic)).toMatchObject([
    { partition: 0, committed: null, low: 0, high: 0 },
    { partition: 1, committed: null, low: 0, high: 0 },
  ]);
});

test('a partition that Kafka says nothing of is an error', async () => {
  await expect(positions.committed('test-nobody', topic, 2)).rejects.toThrow(
    `Kafka said nothing of where test-nobody stands in partition 2 of ${topic}`,
  );
});

test('a partition that was added since the last question is known', async () => {
  const grown = `${topic}-grown`;
  await admin.createTopics({ topics: [{ topic: grown, numPartitions: 1 }] });
  await positions.committed('test-nobody', grown, 0);
  await admin.createPartitions({ topicPartitions: [{ topic: grown, count: 3 }] });
  expect(await positions.committed('test-nobody', grown, 2)).toEqual({ offset: null, metadata: null });
});
