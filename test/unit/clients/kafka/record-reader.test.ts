import { expect, test } from 'vitest';
import type { DecodedRecord } from '../../../../clients/kafka/kafkajs/decode-records.ts';
import { readRecords } from '../../../../clients/kafka/record-reader.ts';

const MB = 1024 * 1024;
const NO_CLUSTER = {
  connected: () => Promise.reject(new Error('unreachable: all records are fetched already')),
  close: () => Promise.resolve(),
};

const recordOf = (offset: number, fields: Partial<DecodedRecord>): DecodedRecord => ({
  ...{ offset, key: null, value: null, headers: {}, timestampMs: 0, isControlRecord: false },
  batchContext: { producerId: '-1', inTransaction: false },
  ...fields,
});

test.each([
  ['keys', { key: Buffer.alloc(MB) }],
  ['values', { value: Buffer.alloc(MB) }],
  ['headers', { headers: { one: Buffer.alloc(MB / 2), two: [Buffer.alloc(MB / 4), Buffer.alloc(MB / 4)] } }],
])('a slice ends after 16 MB of %s', async (_what, fields) => {
  const messages = Array.from({ length: 40 }, (_, offset) => recordOf(offset, fields));
  const ahead = {
    offset: 0,
    log: { logStart: 0, lastStable: 40, high: 40 },
    batch: { messages, nextOffset: 40 },
    batches: { next: () => Promise.resolve({ done: true as const, value: undefined }) },
  };
  const slice = await readRecords(NO_CLUSTER, { topic: 't', partition: 0, offset: 0 }, 1000, { ahead });
  expect([slice.records.length, slice.to, slice.ahead?.offset]).toEqual([16, 16, 16]);
});
