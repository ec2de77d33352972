import { randomBytes } from 'node:crypto';
import { execa } from 'execa';
import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../../clients/kafka/client.ts';
import { openDeadLetters } from '../../../clients/kafka/dead-letters.ts';
import { createRecordReader, type RecordReader } from '../../../clients/kafka/record-reader.ts';
import {
  bareDeadLetterRecord,
  type DeadLetter,
  deadLetterRecord,
} from '../../../domain/scoring/dead-letter.ts';
import type { LogRecord } from '../../../domain/kafka-record.ts';
import type { DeadLetterReason } from '../../../domain/scoring/parse-event.ts';
import { createTopics } from '../../../engines/create-topics.ts';
import { logRecord } from '../../support/log-record.ts';
import { testEngines } from '../../support/test-engines.ts';

const engines = testEngines();
const PARTITIONS = 3;
let kafka: Kafka;
let reader: RecordReader;
let admin: Admin;
let producer: Producer;
let topic: string;
let topics = 0;

beforeAll(async () => {
  kafka = createKafkaClient([engines.KAFKA_BROKERS], 'test-dlq', () => {});
  reader = createRecordReader(kafka);
  admin = kafka.admin();
  producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([reader.close(), admin.disconnect(), producer.disconnect()]));
beforeEach(async () => {
  topic = `test-dlq-${process.pid}-${(topics += 1)}`;
  await createTopics(admin, [
    { topic, numPartitions: PARTITIONS },
    { topic: `${topic}.dlq`, numPartitions: 1 },
  ]);
});

/** Runs the command as a process without a terminal. */
const dlq = (...args: string[]) =>
  execa(process.execPath, ['--import', 'tsx', 'cli/dlq.ts', ...args], {
    env: { KAFKA_BROKERS: engines.KAFKA_BROKERS },
    reject: false,
    stdin: 'ignore',
  });
const json = async <T>(...args: string[]): Promise<T> => {
  const { stdout, stderr, exitCode } = await dlq(...args, '--json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as T;
};
interface Listed {
  readonly deadLetters: readonly {
    readonly location: { readonly partition: number; readonly offset: number };
    readonly reason: string;
    readonly replayedFrom: string | null;
  }[];
}

/** An input record and why it became a dead letter. */
interface Bad {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | Buffer[]>>;
  readonly partition: number;
  readonly reason: DeadLetterReason;
}
const NOT_UTF8 = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0x7d]);
const BAD: readonly Bad[] = [
  { key: Buffer.from('a'), value: Buffer.from('{"broken'), partition: 1, reason: 'not_json' },
  { key: Buffer.from('b'), value: null, partition: 2, reason: 'tombstone' },
  {
    key: Buffer.from([0xc3, 0x28]),
    value: NOT_UTF8,
    headers: {
      'trace-id': Buffer.from([0xff, 0x00]),
      source: Buffer.from('scraper-7'),
      hop: [Buffer.from('a'), Buffer.from([0xfe]), Buffer.from('a')],
    },
    partition: 1,
    reason: 'not_utf8',
  },
  { key: null, value: Buffer.from('"x"'), partition: 0, reason: 'not_an_object' },
];

/** Writes letters in a transaction, as the scoring loop does, after an aborted transaction with one letter. */
async function writeLetters(letters: readonly Bad[]): Promise<void> {
  const transactional = kafka.producer({
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await transactional.connect();
  const messages = letters.map(({ partition, reason, ...original }, index) => {
    const rejected = { record: logRecord(100 + index, original), reason, detail: 'because\u001b[2J' };
    const record = deadLetterRecord({ topic, partition }, rejected);
    return {
      key: original.key,
      value: original.value,
      headers: Object.fromEntries(
        Object.entries(record.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.map((one) => Buffer.from(one)) : Buffer.from(value),
        ]),
      ),
    };
  });
  const aborted = await transactional.transaction();
  await aborted.send({ topic: `${topic}.dlq`, messages: messages.slice(0, 1) });
  await aborted.abort();
  const transaction = await transactional.transaction();
  await transaction.send({ topic: `${topic}.dlq`, messages });
  await transaction.commit();
  await transactional.disconnect();
}

async function inputRecords(): Promise<(LogRecord & { partition: number })[]> {
  const ends = await admin.fetchTopicOffsets(topic);
  const all = await Promise.all(
    ends.map(async ({ partition }) =>
      (await reader.read({ topic, partition, offset: 0 }, Infinity)).records.map((record) => ({
        ...record,
        partition,
      })),
    ),
  );
  return all.flat().sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

describe('npm run dlq', () => {
  test('list shows committed letters only, with control characters escaped', async () => {
    await writeLetters(BAD);
    const { stdout, exitCode } = await dlq('list', '--topic', topic);
    expect(exitCode).toBe(0);
    // The aborted letter has offset 0, and its marker offset 1.
    const lines = stdout.split('\n');
    expect(lines).toHaveLength(1 + BAD.length);
    expect(lines[1]).toMatch(/^0:2 .* not_json .*\/1\/100 .* a .* because\\u\{1b\}\[2J .* \{"broken$/);
    expect(lines[2]).toMatch(/^0:3 .* tombstone .*\/2\/101 .* b .* \(null\)$/);
    expect(lines[3]).toMatch(/^0:4 .* not_utf8 .* \{��\\u\{0\}\\u\{1b\}\[31m\}$/);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  test('list selects by number, reason and time, and prints JSON', async () => {
    await writeLetters(BAD);
    const reasons = async (...args: string[]) =>
      (await json<Listed>('list', '--topic', topic, ...args)).deadLetters.map(({ reason }) => reason);
    expect(await reasons('--limit', '2')).toEqual(['not_utf8', 'not_an_object']);
    expect(await reasons('--reason', 'tombstone')).toEqual(['tombstone']);
    expect(await reasons('--since', '1h')).toHaveLength(4);
    expect(await reasons('--since', new Date(Date.now() + 60_000).toISOString())).toEqual([]);
  });

  test('replay sends records back byte for byte, to their partitions and in order; a dry run sends nothing', async () => {
    await writeLetters(BAD);
    const dry = await dlq('replay', '--topic', topic, '--dry-run');
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toMatch(new RegExp(`^Would replay 4 dead letters from ${topic}.dlq to ${topic} \\(`));
    expect(await inputRecords()).toEqual([]);

    const done = await dlq('replay', '--topic', topic, '--yes');
    expect(done).toMatchObject({ exitCode: 0, stderr: '' });
    expect(done.stdout).toMatch(/^Replayed 4 dead letters/);
    const expected = (bad: Bad, location: string) => ({
      partition: bad.partition,
      key: bad.key,
      value: bad.value,
      headers: {
        ...{ ...bad.headers, 'kol.received-at-ms': Buffer.from('0') },
        'kol.replayed-from': Buffer.from(`${topic}.dlq/${location}`),
      },
    });
    const [notJson, tombstone, notUtf8, notObject] = BAD as [Bad, Bad, Bad, Bad];
    expect(
      (await inputRecords()).map(({ partition, key, value, headers }) => ({
        partition,
        key,
        value,
        headers,
      })),
    ).toEqual([
      expected(notObject, '0/5'),
      expected(notJson, '0/2'),
      expected(notUtf8, '0/4'),
      expected(tombstone, '0/3'),
    ]);
  });

  test('replay sends only the selected letters', async () => {
    await writeLetters(BAD);
    const result = { topic, dryRun: false, replayed: 1, letters: 1 };
    expect(await json('replay', '--topic', topic, '--yes', '--offsets', '0:3')).toMatchObject(result);
    expect(await json('replay', '--topic', topic, '--yes', '--reason', 'not_utf8')).toMatchObject(result);
    expect((await inputRecords()).map(({ value }) => value)).toEqual([NOT_UTF8, null]);
    // Offset 1 is a transaction marker, not a letter. One wrong offset, and nothing is sent.
    const wrong = await dlq('replay', '--topic', topic, '--yes', '--offsets', '0:1,0:2,7:0');
    expect(wrong).toMatchObject({ exitCode: 1, stderr: `${topic}.dlq has no letter at 0:1, 7:0` });
    expect(await inputRecords()).toHaveLength(2);
  });

  test('replay sends letters that do not fit into one request', async () => {
    const large = Buffer.alloc(300_000, 'x');
    const many = Array.from({ length: 5 }, (_, index): Bad => {
      return { key: Buffer.from([index]), value: large, partition: 0, reason: 'not_json' };
    });
    for (const bad of many) await writeLetters([bad]);
    expect((await dlq('replay', '--topic', topic, '--yes')).exitCode).toBe(0);
    const records = await inputRecords();
    expect(records.map(({ key }) => key)).toEqual(many.map(({ key }) => key));
    expect(records.every(({ value }) => value?.equals(large))).toBe(true);
  });

  test('replay stops at a letter that the input topic does not accept, and names it and the setting', async () => {
    const letter = (value: Buffer): Bad => ({
      key: Buffer.from('a'),
      value,
      partition: 0,
      reason: 'not_json',
    });
    const large = letter(randomBytes(5000));
    for (const bad of [letter(Buffer.from('small')), large, letter(Buffer.from('later'))])
      await writeLetters([bad]);
    const configEntries = [{ name: 'max.message.bytes', value: '2000' }];
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: topic, configEntries }] });
    const { exitCode, stderr } = await dlq('replay', '--topic', topic, '--yes');
    expect(exitCode).toBe(1);
    const [, location] = (await json<Listed>('list', '--topic', topic)).deadLetters.map(
      ({ location: { partition, offset } }) => `${topic}.dlq/${partition}/${offset}`,
    );
    expect(stderr).toMatch(/^1 records were replayed, then /);
    expect(stderr).toContain(`then ${location} failed: `);
    expect(stderr).toContain(`${topic} accepts 2000 (max.message.bytes)`);
    expect((await inputRecords()).map(({ value }) => value?.toString())).toEqual(['small']);
  });

  test('replay fetches a left-out value from the input topic, and fails if it is no longer there, or another record is', async () => {
    const producer = kafka.producer();
    await producer.connect();
    const [value, headers] = [Buffer.from(NOT_UTF8), { source: Buffer.from('scraper-7') }];
    await producer.send({ topic, messages: [{ key: 'a', value, headers, partition: 1 }] });
    const bare = (offset: number, leftOut = value) => {
      const record = logRecord(offset, { value: leftOut, headers });
      const rejected = { record, reason: 'not_utf8', detail: 'because' } as const;
      const letter = bareDeadLetterRecord({ topic, partition: 1 }, rejected);
      return { ...letter, key: null, headers: letter.headers as Record<string, string> };
    };
    const letters = [bare(0), bare(7), bare(0, Buffer.from('longer than the other'))];
    await producer.send({ topic: `${topic}.dlq`, messages: letters });
    await producer.disconnect();

    const { stdout } = await dlq('list', '--topic', topic);
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`\\(${value.length} bytes, left out\\)$`));
    expect((await dlq('replay', '--topic', topic, '--yes', '--offsets', '0:0')).exitCode).toBe(0);
    const [original, replayed] = await inputRecords();
    expect(replayed).toMatchObject({ key: original?.key, value, headers });
    for (const [letter, gone] of Object.entries({ '0:1': 7, '0:2': 0 }))
      expect(await dlq('replay', '--topic', topic, '--yes', '--offsets', letter)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`and ${topic}/1/${gone} is no longer there`) as string,
      });
  });

  test('replay begins at the start of the log when retention deletes letters while it waits, and reports it', async () => {
    await writeLetters(BAD); // at the offsets 2 to 5
    const said: string[] = [];
    const letters = await openDeadLetters(kafka, topic, ({ from, to }) => said.push(`${from}-${to}`));
    const offsetsOf = async () => {
      const all: DeadLetter[] = [];
      for await (const page of letters.all({})) all.push(...page);
      return all.map(({ offset }) => offset);
    };
    expect(await offsetsOf()).toEqual([2, 3, 4, 5]);
    await admin.fetchTopicOffsets(`${topic}.dlq`); // refreshes the metadata that deleteTopicRecords uses
    await admin.deleteTopicRecords({ topic: `${topic}.dlq`, partitions: [{ partition: 0, offset: '4' }] });
    expect(await offsetsOf()).toEqual([4, 5]);
    expect(await offsetsOf()).toEqual([4, 5]);
    expect(said).toEqual(['0-4']);
    await expect(letters.at([{ partition: 0, offset: 2 }])).rejects.toThrow('has no letter at 0:2');
    await letters.close();
  });

  test('exits with 2 on wrong usage and with 1 on failure', async () => {
    const outcome = async (...args: string[]) => {
      const { exitCode, stderr } = await dlq(...args);
      return [exitCode, stderr];
    };
    const usage = (text: RegExp) => [2, expect.stringMatching(text) as string];
    expect(await outcome('replay', '--topic', topic)).toEqual(usage(/use --yes or --dry-run/));
    expect(await outcome('replay', '--yes')).toEqual(usage(/--topic/));
    expect(await outcome('list', '--since', 'yesterday')).toEqual(usage(/ISO 8601/));
    expect(await outcome('list', '--reason', 'bad')).toEqual(usage(/not_json/));
    expect(await outcome('list', '--topic', `${topic}.dlq`)).toEqual(usage(/without .dlq/));
    expect(await outcome('list', '--topic', 'nowhere')).toEqual([1, 'There is no topic nowhere.dlq']);
  });
});
