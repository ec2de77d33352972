import { expect, test } from 'vitest';
import type { DecodedRecord } from '../../../../../clients/kafka/kafkajs/decode-records.ts';
import { readCommitted } from '../../../../../clients/kafka/kafkajs/fetch.ts';

type Aborted = Parameters<typeof readCommitted>[0];

const CONTENT = { value: null, headers: {}, timestampMs: 0 };
const record = (offset: number, producerId: string, inTransaction = true) => ({
  ...CONTENT,
  offset,
  key: Buffer.from([0, 0, 0, 0]), // a data record whose key looks like an abort marker
  isControlRecord: false,
  batchContext: { producerId, inTransaction },
});
const marker = (offset: number, producerId: string, type: 'abort' | 'commit') => ({
  ...CONTENT,
  offset,
  key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]),
  isControlRecord: true,
  batchContext: { producerId, inTransaction: true },
});
const offsets = (messages: readonly { offset: number }[]) => messages.map(({ offset }) => offset);

const readable = (log: readonly DecodedRecord[], aborted: Aborted) => log.filter(readCommitted(aborted));

test('leaves out overlapping aborted transactions, also when the fetch starts in their middle', () => {
  const log = [
    record(1, 'p1'),
    record(2, 'p2'),
    record(3, 'p3'),
    marker(4, 'p1', 'abort'),
    marker(5, 'p2', 'abort'),
    marker(6, 'p3', 'commit'),
    record(7, 'p1', false),
  ];
  const aborted = [
    { producerId: 'p2', firstOffset: '0' },
    { producerId: 'p1', firstOffset: '0' },
  ];
  expect(offsets(readable(log, aborted))).toEqual([3, 7]);
  expect(offsets(readable(log.slice(1), aborted))).toEqual([3, 7]);
});

test('keeps the committed transaction of a producer that aborted an earlier one', () => {
  const log = [record(1, 'p'), marker(2, 'p', 'abort'), record(3, 'p'), marker(4, 'p', 'commit')];
  expect(offsets(readable(log, [{ producerId: 'p', firstOffset: '1' }]))).toEqual([3]);
});

test('keeps records outside transactions and removes all markers', () => {
  expect(offsets(readable([record(0, '-1', false), marker(1, 'p', 'commit')], []))).toEqual([0]);
});
