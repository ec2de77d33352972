import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { expect, test } from 'vitest';
import { groupableMessages } from '../../../../../clients/kafka/kafkajs/exact-sender.ts';

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
