import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import kafkajs, { type Message } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import {
  fitAlone,
  messageBytes,
  MessageTooLargeError,
  SEND_BYTES,
  splitBySize,
  type TopicMessage,
} from '../../../../clients/kafka/message-limits.ts';

const messageOfSize = (bytes: number): Message => ({ key: null, value: Buffer.alloc(bytes) });
const limitOf = (topic: string, bytes: number) => ({ topic, bytes, setting: 'max.message.bytes' });
const LIMITS = new Map(
  [limitOf('roomy', 2_000_000), limitOf('small', 10_000)].map((limit) => [limit.topic, limit]),
);

async function split(items: readonly TopicMessage[]): Promise<(readonly TopicMessage[])[]> {
  const runs = [];
  for await (const { items: run } of splitBySize(items, LIMITS)) runs.push(run);
  return runs;
}

describe('splitBySize', () => {
  const item = fc.oneof(
    fc.record({ topic: fc.constant('roomy'), size: fc.nat(SEND_BYTES * 1.2) }),
    fc.record({ topic: fc.constant('small'), size: fc.nat(9000) }),
  );

  test('keeps all messages in order, and only a run of one message exceeds the limit of its topics', () =>
    fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 20 }), async (sizes) => {
        const items = sizes.map(({ topic, size }) => ({ topic, message: messageOfSize(size) }));
        const runs = await split(items);
        expect(runs.flat()).toEqual(items);
        for (const run of runs.filter(({ length }) => length > 1)) {
          const bytes = run.reduce((sum, { message }) => sum + messageBytes(message), 0);
          expect(bytes).toBeLessThanOrEqual(run.some(({ topic }) => topic === 'small') ? 10_000 : SEND_BYTES);
        }
      }),
      { numRuns: 20 },
    ));

  test('makes runs as long as the limit allows', async () => {
    const third = { topic: 'roomy', message: messageOfSize(SEND_BYTES / 3 - 1000) };
    expect((await split([third, third, third, third])).map((run) => run.length)).toEqual([3, 1]);
    expect(await split([])).toEqual([]);
  });

  test('throws when a message does not fit alone', async () => {
    const message = { key: null, value: randomBytes(11_000) };
    await expect(split([{ topic: 'small', message }])).rejects.toThrow(
      /compressed, and small accepts 10000 \(max\.message\.bytes\): raise max\.message\.bytes/,
    );
  });
});

describe('fitAlone', () => {
  const { None, GZIP } = kafkajs.CompressionTypes;

  test('compresses a message only when it fits no other way', async () => {
    const value = randomBytes(20_000);
    // The header of the batch; the lengths of record and value have 3 bytes each, the rest 5.
    const bytes = 61 + 3 + 5 + 3 + value.length;
    expect(await fitAlone({ key: null, value }, limitOf('t', bytes))).toBe(None);
    expect(await fitAlone({ key: null, value }, limitOf('t', bytes - 1))).toBeInstanceOf(
      MessageTooLargeError,
    );
    expect(await fitAlone(messageOfSize(20_000), limitOf('t', 500))).toBe(GZIP);
  });
});

test('messageBytes counts the bytes of key, value and headers', () => {
  const empty = messageBytes({ key: null, value: null });
  expect(messageBytes({ key: '½', value: Buffer.alloc(10) })).toBe(empty + 12);
  const headers = { name: Buffer.alloc(100), hop: ['a', Buffer.alloc(5)] };
  expect(messageBytes({ key: null, value: null, headers })).toBeGreaterThanOrEqual(empty + 104 + 4 + 8);
});
