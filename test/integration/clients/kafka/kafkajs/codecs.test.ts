import { readFile } from 'node:fs/promises';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTopics } from '../../../../../engines/create-topics.ts';
import { HEADER_BYTES } from '../../../../../clients/kafka/kafkajs/decode-records.ts';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import { UndecodableBatchError } from '../../../../../clients/kafka/read-errors.ts';
import { createRecordReader, type RecordReader } from '../../../../../clients/kafka/record-reader.ts';
import { compressions, produceLines } from '../../../../support/console-producer.ts';
import { damageBatch, segmentFile } from '../../../../support/damage-batch.ts';
import { readTopics } from '../../../../support/read-topics.ts';
import { testEngines } from '../../../../support/test-engines.ts';

const { CompressionTypes } = kafkajs;
const brokers = testEngines().KAFKA_BROKERS;
let kafka: Kafka;
let reader: RecordReader;
let admin: Admin;
let producer: Producer;
let topic: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([brokers], 'test-codecs', () => {});
  reader = createRecordReader(kafka);
  admin = kafka.admin();
  producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([reader.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = `test-codecs-${process.pid}-${(topics += 1)}`;
  await createTopics(admin, [{ topic, numPartitions: 1 }]);
});

const read = async (from: number, to: number) =>
  (await reader.read({ topic, partition: 0, offset: from }, to - from)).records;
const values = async (from: number, to: number) =>
  (await read(from, to)).map(({ value }) => value?.toString());

/** Similar but different lines, so that all codecs compress them; about 130 KB in total, so several batches and blocks. */
const LINES = Array.from({ length: 1000 }, (_, index) =>
  JSON.stringify({ platform: 'tiktok', username: `kol-${index}`, bio: '½ ☂ '.repeat(index % 20), index }),
);

describe('batches of the Java client', () => {
  test.each(compressions)('with %s are read unchanged, completely and in parts', async (compression) => {
    await produceLines(brokers, topic, compression, LINES);
    expect(await compressionOf()).toBe(compression);
    expect(await values(0, LINES.length)).toEqual(LINES);
    expect((await read(0, LINES.length)).map(({ offset }) => offset)).toEqual([...LINES.keys()]);
    // From the middle of a batch, and across batches.
    for (const [from, to] of [
      [1, 2],
      [37, 40],
      [99, 731],
      [998, 1000],
    ] as const)
      expect(await values(from, to)).toEqual(LINES.slice(from, to));
  });
});

describe('batches of this client', () => {
  test.each([
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
  ] as const)('with %s are accepted by the broker and read by the Java client', async (name, compression) => {
    await producer.send({ topic, compression, messages: LINES.map((value) => ({ value })) });
    expect(await compressionOf()).toBe(name);
    expect((await readTopics(brokers, topic)).map(({ value }) => value)).toEqual(LINES);
  });
});

describe('a batch that is damaged on the disk of the broker', () => {
  test('fails the read of this batch, and not the reads of other batches', async () => {
    for (const part of [0, 100, 200])
      await producer.send({
        ...{ topic, compression: CompressionTypes.GZIP },
        messages: LINES.slice(part, part + 100).map((value) => ({ value })),
      });
    await damageBatch({ topic, partition: 0 }, 1, (batch) => batch.fill(0xff, HEADER_BYTES + 20));
    for (const [from, to, at] of [
      [100, 200, 100],
      [150, 151, 150],
      [100, 300, 100],
    ] as const) {
      const failed = read(from, to);
      await expect(failed).rejects.toThrow(UndecodableBatchError);
      await expect(failed).rejects.toThrow(
        `the batch that holds ${topic}/0/${at} cannot be decoded (its checksum is wrong)`,
      );
    }
    // Offsets before and after it can be read. A read that starts before it ends there.
    expect(await values(0, 100)).toEqual(LINES.slice(0, 100));
    expect(await values(0, 300)).toEqual(LINES.slice(0, 100));
    expect(await values(200, 300)).toEqual(LINES.slice(200, 300));
  });
});

const ATTRIBUTES_AT = 21;

/** The compression of the first batch of the topic. */
async function compressionOf(): Promise<string | undefined> {
  const segment = await readFile(segmentFile({ topic, partition: 0 }));
  return ['none', 'gzip', 'snappy', 'lz4', 'zstd'][segment.readInt16BE(ATTRIBUTES_AT) & 7];
}
