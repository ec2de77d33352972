import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, test } from 'vitest';
import { fencePartition } from '../../../../activities/scoring/fence-partition.ts';
import type { Offsets } from '../../../../clients/kafka/offsets.ts';
import type { FencedTransaction, Transactions } from '../../../../clients/kafka/transactions.ts';
import { printCommittedMetadata } from '../../../../domain/scoring/committed-metadata.ts';
import { NO_COUNTS } from '../../../../domain/scoring/range-report.ts';

const COUNTS = { ...NO_COUNTS, records: 30, scored: 30 };
const by = (worker: string, offset: number) => ({
  offset,
  metadata: printCommittedMetadata({
    worker,
    max_event_time_ms: 7,
    range: { from: 10, counts: COUNTS },
  }),
});
type Committed = { offset: number | null; metadata: string | null };

/** A partition whose id this process holds since it committed `lastOffset`. Kafka's answers are told one after the other. */
function held(lastOffset: number | null, answers: Committed[], low = 0) {
  const begun: boolean[] = [];
  let abandoned = 0;
  const transactions: Transactions = {
    begin: (_id, { fresh = false } = {}) => {
      begun.push(fresh);
      const transaction: FencedTransaction = {
        fresh: fresh || lastOffset === null,
        lastOffset: fresh ? null : lastOffset,
        commit: () => Promise.reject(new Error('not here')),
        abandon: () => Promise.resolve(void (abandoned += 1)),
      };
      return Promise.resolve(transaction);
    },
    close: () => Promise.resolve(),
  };
  const positions: Offsets = {
    committed: () => Promise.resolve(answers.shift() ?? { offset: null, metadata: null }),
    read: () => Promise.resolve([{ partition: 0, committed: 0, metadata: null, low, high: 100 }]),
    at: () => Promise.reject(new Error('not here')),
    close: () => Promise.resolve(),
  };
  const planned = { group: 'g', topic: 't', partition: 0, from: 10 };
  return {
    begun,
    abandoned: () => abandoned,
    fenced: fencePartition({ transactions, offsets: positions, worker: 'me' }, planned),
  };
}

describe('the fence', () => {
  test('goes on where this process committed last, with the producer that it holds', async () => {
    const { fenced, begun } = held(10, [by('me', 10)]);
    expect(await fenced).toMatchObject({ position: 10, before: NO_COUNTS, maxEventTimeMs: 7 });
    expect(begun).toEqual([false]);
  });

  test('takes the id anew where another worker committed last', async () => {
    const { fenced, begun, abandoned } = held(10, [by('other', 10), by('other', 10)]);
    expect(await fenced).toMatchObject({ position: 10, transaction: { fresh: true } });
    expect([begun, abandoned()]).toEqual([[false, true], 1]);
  });

  // Kafka tells the offset before a commit until the commit's marker is written: the range would be done twice.
  test('takes the id anew where Kafka does not tell yet what was committed here', async () => {
    const { fenced, begun } = held(40, [by('me', 10), by('me', 40)]);
    expect(await fenced).toMatchObject({ position: 40, before: COUNTS });
    expect(begun).toEqual([false, true]);
  });

  test('finds what earlier transactions made of the range, and nothing of what was before it', async () => {
    expect(await held(null, [by('other', 40)]).fenced).toMatchObject({ position: 40, before: COUNTS });
    expect(await held(null, [by('other', 10)]).fenced).toMatchObject({ position: 10, before: NO_COUNTS });
  });

  test('refuses a plan that Kafka is behind, unless retention removed what is between', async () => {
    const behind = held(null, [by('other', 5)]);
    await expect(behind.fenced).rejects.toThrow(ApplicationFailure);
    expect(behind.abandoned()).toBe(1);
    expect(await held(null, [by('other', 5)], 8).fenced).toMatchObject({ position: 10 });
  });
});
