import { randomUUID } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { createKafkaClient } from '../../clients/kafka/client.ts';
import { createOffsets, type Offsets } from '../../clients/kafka/offsets.ts';
import type { PartitionOffset } from '../../domain/kafka-location.ts';
import { kafkaTool } from './kafka-tool.ts';

/** A record as the broker's own Java client prints it. */
export interface PrintedRecord extends PartitionOffset {
  readonly headers: Readonly<Record<string, string>>;
  readonly key: string;
  readonly value: string;
}

const COLUMNS = ['print.partition', 'print.offset', 'print.headers', 'print.key'];
/** The reader stops when no record has arrived for this long. On a busy machine it may stop too early. */
const IDLE_MS = [2000, 10_000, 60_000];

/**
 * Reads all topics whose full name matches, from their beginning and read-committed. It uses the Java client, because a proof must
 * not depend on kafkajs. Keys and values must be text without tabs and line breaks.
 * @param pattern a Java regular expression
 * @throws when the reader does not reach the ends that the topics have at the call
 */
export async function readTopics(brokers: string, pattern: string): Promise<PrintedRecord[]> {
  const kafka = createKafkaClient(brokers.split(','), 'read-topics', () => {});
  const offsets = createOffsets(kafka);
  try {
    const topics = await findTopics(kafka, pattern);
    const ends = await Promise.all(topics.map((topic) => endsOf(offsets, topic)));
    for (const idleMs of IDLE_MS) {
      const group = `read-topics-${randomUUID()}`;
      const records = await readOnce(brokers, pattern, group, idleMs);
      const read = await Promise.all(topics.map((topic) => offsets.read(group, topic)));
      const isComplete = ends.every((partitions, index) =>
        partitions.every(({ low, high }, partition) => {
          const committed = read[index]?.partitions[partition]?.committed;
          return (committed ?? low) >= high;
        }),
      );
      if (isComplete) return records;
    }
    throw new Error(`the reader of ${pattern} did not reach its end`);
  } finally {
    await offsets.close();
  }
}

async function endsOf(offsets: Offsets, topic: string) {
  const { partitionCount } = await offsets.topic(topic);
  return Promise.all(
    Array.from({ length: partitionCount }, (_, partition) => offsets.ends(topic, partition)),
  );
}

async function findTopics(kafka: Kafka, pattern: string): Promise<string[]> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics.filter((topic) => new RegExp(`^(${pattern})$`).test(topic));
}

/** Reads until no record arrives. The group then has the offsets to which it has read. */
async function readOnce(
  brokers: string,
  pattern: string,
  group: string,
  idleMs: number,
): Promise<PrintedRecord[]> {
  const printed = await kafkaTool('consumer.ConsoleConsumer', [
    ...['--bootstrap-server', brokers, '--include', pattern, '--from-beginning', '--group', group],
    ...['--isolation-level', 'read_committed', '--timeout-ms', String(idleMs)],
    ...COLUMNS.flatMap((column) => ['--property', `${column}=true`]),
  ]);
  // The tool prints log lines to the same stream.
  return printed
    .split('\n')
    .filter((line) => line.startsWith('Partition:'))
    .map(parseLine);
}

/** `Partition:0\tOffset:5\tname:value,name:value\tkey\tvalue` */
function parseLine(line: string): PrintedRecord {
  const [partition = '', offset = '', headers = '', key = '', ...value] = line.split('\t');
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    headers: Object.fromEntries(
      (headers === 'NO_HEADERS' ? [] : headers.split(/,(?=__connect)/)).map((header) => {
        const colon = header.indexOf(':');
        return [header.slice(0, colon), header.slice(colon + 1)];
      }),
    ),
    key,
    value: value.join('\t'),
  };
}
