import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, test } from 'vitest';
import { fencePartition } from '../../../../activities/scoring/fence-partition.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import type { FencedTransaction, Transactions } from '../../../../clients/kafka/transactions.ts';
import { serializeCommittedMetadata } from '../../../../domain/scoring/committed-metadata.ts';
import { NO_COUNTS } from '../../../../domain/scoring/range-report.ts';

type Committed = { offset: number | null; metadata: string | null };

const COUNTS = { ...NO_COUNTS, records: 30, scored: 30 };
const committedBy = (worker: string, offset: number): Committed => ({
  offset,
  metadata: serializeCommittedMetadata({
    worker,
    max_event_time_ms: 7,
    range: { from: 10, counts: COUNTS },
  }),
});

/**
 * Fences a partition for a range that is planned from offset 10.
 * @param lastOffset the offset that this worker committed last with the producer it holds; null without a producer
 * @param replies the committed offsets that Kafka returns, one after the other
 */
function fence(lastOffset: number | null, replies: Committed[], low = 0) {
  /** For each transaction, whether a fresh producer was requested. */
  const freshRequested: boolean[] = [];
  let abandoned = 0;
  const transactions: Transactions = {
    begin: (_id, { fresh = false } = {}) => {
      freshRequested.push(fresh);
      const transaction: FencedTransaction = {
        fresh: fresh || lastOffset === null,
        lastOffset: fresh ? null : lastOffset,
        commit: () => Promise.reject(new Error('not used here')),
        abandon: () => Promise.resolve(void (abandoned += 1)),
      };
      return Promise.resolve(transaction);
    },
    close: () => Promise.resolve(),
  };
  const offsets: Offsets = {
    committed: () => Promise.resolve(replies.shift() ?? { offset: null, metadata: null }),
    read: () => Promise.resolve([{ partition: 0, committed: 0, metadata: null, low, high: 100 }]),
    at: () => Promise.reject(new Error('not used here')),
    close: () => Promise.resolve(),
  };
  const planned = { group: 'g', topic: 't', partition: 0, from: 10 };
  return {
    freshRequested,
    abandoned: () => abandoned,
    fenced: fencePartition({ transactions, offsets, worker: 'me' }, planned),
  };
}

describe('the fence of a partition', () => {
  test('continues with the producer that this worker holds when this worker committed last', async () => {
    const { fenced, freshRequested } = fence(10, [committedBy('me', 10)]);
    expect(await fenced).toMatchObject({ position: 10, countsBefore: NO_COUNTS, maxEventTimeMs: 7 });
    expect(freshRequested).toEqual([false]);
  });

  test('takes a fresh producer when another worker committed last', async () => {
    const { fenced, freshRequested, abandoned } = fence(10, [
      committedBy('other', 10),
      committedBy('other', 10),
    ]);
    expect(await fenced).toMatchObject({ position: 10, transaction: { fresh: true } });
    expect([freshRequested, abandoned()]).toEqual([[false, true], 1]);
  });

  // Kafka returns the previous offset until the commit marker is written. The range would be processed twice.
  test('takes a fresh producer when Kafka does not return the last commit of this worker yet', async () => {
    const { fenced, freshRequested } = fence(40, [committedBy('me', 10), committedBy('me', 40)]);
    expect(await fenced).toMatchObject({ position: 40, countsBefore: COUNTS });
    expect(freshRequested).toEqual([false, true]);
  });

  test('finds the counts of earlier transactions of the same range, and none of earlier ranges', async () => {
    expect(await fence(null, [committedBy('other', 40)]).fenced).toMatchObject({
      position: 40,
      countsBefore: COUNTS,
    });
    expect(await fence(null, [committedBy('other', 10)]).fenced).toMatchObject({
      position: 10,
      countsBefore: NO_COUNTS,
    });
  });

  test('refuses a plan beyond the committed offset, unless retention removed the offsets in between', async () => {
    const stale = fence(null, [committedBy('other', 5)]);
    await expect(stale.fenced).rejects.toThrow(ApplicationFailure);
    expect(stale.abandoned()).toBe(1);
    expect(await fence(null, [committedBy('other', 5)], 8).fenced).toMatchObject({ position: 10 });
  });
});
