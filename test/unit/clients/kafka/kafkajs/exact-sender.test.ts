import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs, { type Message } from 'kafkajs';
import { expect, test } from 'vitest';
import { choosePartition, groupableMessages } from '../../../../../clients/kafka/kafkajs/exact-sender.ts';

type Group = (input: {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly Message[];
  readonly partitioner: (args: { readonly message: Message }) => number;
}) => Record<string, Message[]>;

const groupMessagesPerPartition = createRequire(import.meta.url)(
  'kafkajs/src/producer/groupMessagesPerPartition',
) as Group;

const group = (messages: readonly Message[]) => {
  const asked: Message[] = [];
  const groups = groupMessagesPerPartition({
    topic: 'any',
    partitionMetadata: [{}],
    messages,
    partitioner: ({ message }) => (asked.push(message), message.partition ?? 0),
  });
  return { groups, asked };
};

test('kafkajs groups the messages as it groups plain messages, and asks for each partition once, in order', () => {
  const message = fc.record({ value: fc.string(), partition: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      expect(group(groupableMessages(messages))).toEqual(group(messages));
    }),
  );
});

test('each message is placed alone, so no group is copied', () => {
  const messages = groupableMessages([{ value: 'a' }, { value: 'b' }, { value: 'c' }]);
  const before: object[] = [];
  messages.reduce<object>((groups, message) => (before.push(groups), { 3: [message] }), {});
  expect(before).toEqual([{}, {}, {}]);
});

const kafkajsPartitioner = kafkajs.Partitioners.DefaultPartitioner();
const kafkajsChoice = (key: Buffer | string, partitions: number) =>
  kafkajsPartitioner({
    topic: 't',
    message: { key, value: null },
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      ...{ partitionId, partitionErrorCode: 0, leader: 1, replicas: [], isr: [] },
    })),
  });

test('a key has the partition that kafkajs and Java clients choose', () => {
  const key = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.bigInt({ min: 0n, max: 10n ** 19n }).map(String),
  );
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 200 }), (generated, partitions) => {
      expect(choosePartition(generated, partitions, 0)).toBe(kafkajsChoice(generated, partitions));
    }),
    { numRuns: 2000 },
  );
});

test('keys of known partitions keep them', () => {
  // Hashes of the test of Kafka's own Utils.murmur2.
  const hashes = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 };
  for (const [key, hash] of Object.entries(hashes))
    expect(choosePartition(key, 1_000_000, 0)).toBe((hash & 0x7fffffff) % 1_000_000);
});

test('a record without a key has the given partition, modulo the number of partitions', () => {
  expect([0, 1, 2, 7].map((partition) => choosePartition(null, 3, partition))).toEqual([0, 1, 2, 1]);
  expect(choosePartition(undefined, 1, 5)).toBe(0);
});
