import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { until } from '../../../support/until.ts';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { OffsetsUnavailableError } from '../../../../clients/kafka/range-errors.ts';
import { createRangeReader, readSlices, type RangeReader } from '../../../../clients/kafka/range-reader.ts';
import type { RecordSlice } from '../../../../clients/kafka/read-slice.ts';

// The range reader uses an internal object of kafkajs. These tests fail if a new version changes that object.

let kafka: Kafka;
let reader: RangeReader;
let admin: Admin;
let producer: Producer;
let topic: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([inject('engines').KAFKA_BROKERS], 'test-range-reader', () => {});
  reader = createRangeReader(kafka);
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([reader.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = `test-range-${process.pid}-${(topics += 1)}`;
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
});

const read = async (from: number, to: number) =>
  (await reader.read({ topic, partition: 0, from, to })).records.map(({ offset, value }) => [
    offset,
    value?.toString(),
  ]);
const transactional = async (id: string) => {
  const client = kafka.producer({
    transactionalId: `${topic}/${id}`,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await client.connect();
  return client;
};
const end = async () => Number((await admin.fetchTopicOffsets(topic))[0]?.high);

describe('a range reader', () => {
  test('returns exactly the requested offsets, also from the middle of a compressed batch', async () => {
    const messages = Array.from({ length: 100 }, (_, index) => ({ value: String(index) }));
    await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP });
    expect(await read(37, 40)).toEqual([
      [37, '37'],
      [38, '38'],
      [39, '39'],
    ]);
    expect(await read(0, 100)).toHaveLength(100);
  });

  test('leaves out aborted records, at every start offset in overlapping transactions', async () => {
    const [a, b, c] = await Promise.all([transactional('a'), transactional('b'), transactional('c')]);
    const [ta, tb, tc] = await Promise.all([a.transaction(), b.transaction(), c.transaction()]);
    const send = (transaction: typeof ta, value: string) =>
      transaction.send({ topic, messages: [{ value }] });
    await send(ta, 'a1 aborted'); // 0
    await send(tb, 'b1 aborted'); // 1
    await send(tc, 'c1'); // 2
    await producer.send({ topic, messages: [{ value: 'plain' }] }); // 3
    await send(ta, 'a2 aborted'); // 4
    await send(tb, 'b2 aborted'); // 5
    await ta.abort();
    await tb.abort();
    await send(tc, 'c2');
    await tc.commit();
    // The markers are written after commit and abort have returned, in any order.
    await until('all 7 records and 3 markers are there', async () => (await end()) === 10);
    const all = await read(0, 10);
    expect(all.map(([, value]) => value)).toEqual(['c1', 'plain', 'c2']);
    for (let from = 1; from < 10; from += 1)
      expect(await read(from, 10)).toEqual(all.filter(([offset]) => Number(offset) >= from));
    await Promise.all([a.disconnect(), b.disconnect(), c.disconnect()]);
  });

  test('returns nothing for offsets that are only transaction markers', async () => {
    const client = await transactional('t');
    const transaction = await client.transaction();
    await transaction.send({ topic, messages: [{ value: 'x' }] });
    await transaction.commit();
    await until('its marker is there', async () => (await end()) === 2);
    expect(await read(0, await end())).toEqual([[0, 'x']]);
    expect(await read(1, await end())).toEqual([]);
    await client.disconnect();
  });

  test('fails when retention removed the offsets, instead of skipping them', async () => {
    await producer.send({
      topic,
      messages: Array.from({ length: 10 }, (_, index) => ({ value: String(index) })),
    });
    await end(); // refreshes the metadata that deleteTopicRecords uses
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] });
    await expect(read(2, 10)).rejects.toThrow(OffsetsUnavailableError);
    expect(await read(5, 6)).toEqual([[5, '5']]);
  });

  test('returns a large range in slices that limit memory', async () => {
    const MEGABYTE = 'x'.repeat(1024 * 1024);
    const COUNT = 40;
    for (let index = 0; index < COUNT; index += 1)
      await producer.send({
        topic,
        messages: [{ value: `${index} ${MEGABYTE}` }],
        compression: kafkajs.CompressionTypes.GZIP,
      });
    const range = { topic, partition: 0, from: 0, to: COUNT };
    const slices: RecordSlice[] = [];
    for await (const slice of readSlices(reader, range)) slices.push(slice);
    expect(slices.length).toBeGreaterThan(1);
    expect(slices.at(-1)?.to).toBe(COUNT);
    const offsets = slices.flatMap(({ records }) => records.map(({ offset }) => offset));
    expect(offsets).toEqual([...Array(COUNT).keys()]);
    for (const { records, to } of slices) expect(records.at(-1)?.offset).toBe(to - 1);
    // A slice that is read ahead stays in memory, so it has the same limit.
    const ahead = await reader.readAhead(range);
    expect(ahead?.to).toBe(slices[0]?.to);
    expect(await reader.read(range)).toEqual(ahead);
  });
});
