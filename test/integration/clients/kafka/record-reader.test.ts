import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { type Admin, type ISocketFactory, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTopics } from '../../../../engines/create-topics.ts';
import { until } from '../../../support/until.ts';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { OffsetOutOfRangeError, type LogEnds } from '../../../../clients/kafka/read-errors.ts';
import { createRecordReader, readRange, type RecordReader } from '../../../../clients/kafka/record-reader.ts';
import { testEngines } from '../../../support/test-engines.ts';

// The reader uses an internal object of kafkajs. These tests fail if a new version changes that object.

/** What one read returns. */
type Slice = Awaited<ReturnType<RecordReader['read']>>;

let kafka: Kafka;
let reader: RecordReader;
let admin: Admin;
let producer: Producer;
let topic: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([testEngines().KAFKA_BROKERS], 'test-record-reader', () => {});
  reader = createRecordReader(kafka);
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([reader.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = `test-range-${process.pid}-${(topics += 1)}`;
  await createTopics(admin, [{ topic, numPartitions: 1 }]);
});

const read = async (from: number, to: number) =>
  (await reader.read({ topic, partition: 0, offset: from }, to - from)).records.map(({ offset, value }) => [
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

describe('a record reader', () => {
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
    const failed = read(2, 10);
    await expect(failed).rejects.toThrow(OffsetOutOfRangeError);
    await expect(failed).rejects.toMatchObject({ log: { logStart: 5, lastStable: 10, high: 10 } });
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
    const slices: Slice[] = [];
    for await (const slice of readRange(reader, range)) slices.push(slice);
    expect(slices.length).toBeGreaterThan(1);
    expect(slices.at(-1)?.to).toBe(COUNT);
    const offsets = slices.flatMap(({ records }) => records.map(({ offset }) => offset));
    expect(offsets).toEqual([...Array(COUNT).keys()]);
    for (const { records, to } of slices) expect(records.at(-1)?.offset).toBe(to - 1);
  });

  test('keeps what it fetched beyond a slice for the next read, aborted transactions included', async () => {
    const [aborting, committing] = await Promise.all([transactional('x'), transactional('y')]);
    for (let round = 0; round < 5; round += 1) {
      await producer.send({
        topic,
        messages: Array.from({ length: 3 }, () => ({ value: `plain ${round}` })),
      });
      const [lost, kept] = await Promise.all([aborting.transaction(), committing.transaction()]);
      await lost.send({ topic, messages: [{ value: 'aborted' }, { value: 'aborted' }] });
      await kept.send({ topic, messages: [{ value: `kept ${round}` }, { value: `kept ${round}` }] });
      await Promise.all([round % 2 === 0 ? lost.abort() : lost.commit(), kept.commit()]);
    }
    await until('all markers are there', async () => (await end()) === 5 * 9);
    const whole = await read(0, 45);
    for (const size of [1, 2, 4, 7, 50]) {
      const slices: Slice[] = [];
      let ahead: Slice['ahead'] = null;
      for (let offset = 0; offset < 45;) {
        const slice: Slice = await reader.read({ topic, partition: 0, offset }, size, { ahead });
        expect(slice.to).toBe(Math.min(offset + size, 45));
        slices.push(slice);
        ({ to: offset, ahead } = slice);
      }
      expect(
        slices.flatMap(({ records }) => records.map(({ offset, value }) => [offset, value?.toString()])),
      ).toEqual(whole);
      // One fetch has it all, so only the last slice has nothing beyond it.
      expect(slices.slice(0, -1).every((slice) => slice.ahead !== null)).toBe(true);
    }
    const other = await reader.read({ topic, partition: 0, offset: 9 }, 5, {
      ahead: (await reader.read({ topic, partition: 0, offset: 0 }, 3)).ahead,
    });
    expect(other.records[0]?.offset).toBe(9); // not what was fetched for offset 3
    await Promise.all([aborting.disconnect(), committing.disconnect()]);
  });

  test('returns no records at the end of the log, and the end offset', async () => {
    await producer.send({ topic, messages: [{ value: 'x' }] });
    const location = { topic, partition: 0, offset: 1 };
    expect(await reader.read(location, 10)).toEqual({
      records: [],
      to: 1,
      log: { logStart: 0, lastStable: 1, high: 1 },
      ahead: null,
    });
    await expect(reader.read({ ...location, offset: 2 }, 10)).rejects.toThrow(OffsetOutOfRangeError);
  });
});

describe('waiting for records', () => {
  const idle = new AbortController().signal;
  const wait = (partition: number, offset: number) =>
    reader.waitForRecords({ topic, partition, offset }, idle);

  test('ends when a record arrives; partitions that get none wait on', async () => {
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until('the broker shows 3 partitions', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length === 3;
    });
    const ended: number[] = [];
    const waits = [0, 1, 2].map(async (partition) => {
      const log = await wait(partition, 0);
      ended.push(partition);
      return log.lastStable;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await producer.send({ topic, messages: [{ value: 'x', partition: 1 }] });
    expect(await Promise.all(waits)).toEqual([0, 1, 0]);
    expect(ended[0]).toBe(1);
  });

  test('takes one fetch at a time for all partitions that a broker leads', async () => {
    const PARTITIONS = 100;
    await createTopics(admin, [{ topic: `${topic}-wide`, numPartitions: PARTITIONS }]);
    const fetches = { sent: 0, inFlight: 0, most: 0 };
    const sockets = countFetches(fetches);
    const counted = createRecordReader(
      createKafkaClient([testEngines().KAFKA_BROKERS], 'test-polls', () => {}, sockets),
    );
    const waits: Promise<LogEnds>[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      waits.push(counted.waitForRecords({ topic: `${topic}-wide`, partition, offset: 0 }, idle));
      await sleep(2); // so that they begin at different times of a poll
    }
    expect((await Promise.all(waits)).map(({ high }) => high)).toEqual(Array(PARTITIONS).fill(0));
    await counted.close();
    expect(fetches.most).toBe(1);
    expect(fetches.sent).toBeGreaterThan(1);
    expect(fetches.sent).toBeLessThan(PARTITIONS);
  });

  test('shows records behind an open transaction as not readable yet', async () => {
    const client = await transactional('open');
    const transaction = await client.transaction();
    await transaction.send({ topic, messages: [{ value: 'x' }, { value: 'y' }] });
    expect(await wait(0, 0)).toMatchObject({ logStart: 0, lastStable: 0, high: 2 });
    await transaction.commit();
    await until('it is readable', async () => (await wait(0, 0)).lastStable > 0);
    await client.disconnect();
  });

  test('fails for an offset that the log does not have, and for a topic that does not exist', async () => {
    await expect(wait(0, 5)).rejects.toThrow(OffsetOutOfRangeError);
    await expect(wait(7, 0)).rejects.toThrow(`Topic ${topic} has no partition 7`);
  });
});

/** Counts the fetches on the wire. @param fetches receives the numbers */
function countFetches(fetches: { sent: number; inFlight: number; most: number }): ISocketFactory {
  const FETCH = 1;
  return ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect);
    const waiting = new Set<number>();
    // Each request is written with one call: size INT32, API key INT16, version INT16, correlation id INT32.
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = (...args: unknown[]) => {
      const [request] = args;
      if (Buffer.isBuffer(request) && request.readInt16BE(4) === FETCH) {
        waiting.add(request.readInt32BE(8));
        fetches.sent += 1;
        fetches.inFlight += 1;
        fetches.most = Math.max(fetches.most, fetches.inFlight);
      }
      return write(...args);
    };
    // An answer: size INT32, correlation id INT32. It may come in several chunks.
    let received = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 8 && received.length >= 4 + received.readInt32BE(0)) {
        if (waiting.delete(received.readInt32BE(4))) fetches.inFlight -= 1;
        received = received.subarray(4 + received.readInt32BE(0));
      }
    });
    return socket;
  };
}
