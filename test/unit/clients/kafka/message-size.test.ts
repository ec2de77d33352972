import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { messageBytes, SEND_BYTES, splitBySize } from '../../../../clients/kafka/message-size.ts';

const messageOfSize = (bytes: number): Message => ({ key: null, value: Buffer.alloc(bytes) });
const split = (messages: Message[]) => [...splitBySize(messages, (message) => message)];

describe('splitBySize', () => {
  test('keeps all messages in order, and only a run of one message exceeds the limit', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(SEND_BYTES * 1.2), { maxLength: 20 }), (sizes) => {
        const messages = sizes.map(messageOfSize);
        const runs = split(messages);
        expect(runs.flat()).toEqual(messages);
        for (const run of runs) {
          const bytes = run.reduce((sum, message) => sum + messageBytes(message), 0);
          expect(run.length === 1 || bytes <= SEND_BYTES).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('makes runs as long as the limit allows', () => {
    const third = messageOfSize(SEND_BYTES / 3 - 1000);
    expect(split([third, third, third, third]).map((run) => run.length)).toEqual([3, 1]);
    expect(split([])).toEqual([]);
  });
});

test('messageBytes counts the bytes of key, value and headers', () => {
  const empty = messageBytes({ key: null, value: null });
  expect(messageBytes({ key: '½', value: Buffer.alloc(10) })).toBe(empty + 12);
  const headers = { name: Buffer.alloc(100), hop: ['a', Buffer.alloc(5)] };
  expect(messageBytes({ key: null, value: null, headers })).toBeGreaterThanOrEqual(empty + 104 + 4 + 8);
});
