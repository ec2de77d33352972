import fc from 'fast-check';
import type { Message } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { splitBySize, messageBytes, SEND_BYTES } from '../../../../clients/kafka/message-size.ts';

const message = (bytes: number): Message => ({ key: null, value: Buffer.alloc(bytes) });
const runs = (messages: Message[]) => [...splitBySize(messages, (one) => one)];

describe('messages in runs that a broker takes', () => {
  test('keep their order, and none is left out', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(SEND_BYTES * 1.2), { maxLength: 20 }), (sizes) => {
        const messages = sizes.map(message);
        const cut = runs(messages);
        expect(cut.flat()).toEqual(messages);
        for (const run of cut) {
          const bytes = run.reduce((sum, one) => sum + messageBytes(one), 0);
          expect(run.length === 1 || bytes <= SEND_BYTES).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('are few: a run is as long as it may be', () => {
    const third = message(SEND_BYTES / 3 - 1000);
    expect(runs([third, third, third, third]).map((run) => run.length)).toEqual([3, 1]);
    expect(runs([])).toEqual([]);
  });

  test('count keys, values and headers, in bytes', () => {
    const empty = messageBytes({ key: null, value: null });
    expect(messageBytes({ key: '½', value: Buffer.alloc(10) })).toBe(empty + 12);
    const headers = { name: Buffer.alloc(100), hop: ['a', Buffer.alloc(5)] };
    expect(messageBytes({ key: null, value: null, headers })).toBeGreaterThanOrEqual(empty + 104 + 4 + 8);
  });
});
