import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replay, ReplayError } from '../../../../clients/kafka/replay-dead-letters.ts';
import {
  type DeadLetter,
  deadLetterRecord,
  parseDeadLetter,
} from '../../../../domain/scoring/dead-letter.ts';
import type { ReadHeaders } from '../../../../domain/kafka-record.ts';
import { logRecord } from '../../../support/log-record.ts';
import { fakeCluster, leadersOf, produceEvents } from './kafkajs/fake-cluster.ts';
import { NO_LIMITS } from './no-limits.ts';

/** The letter of a record at `offset` of the input topic; its value is the offset. */
function letterOf(offset: number, partition: number, key: string | null = null): DeadLetter {
  const bytes = (text: string) => Buffer.from(text);
  const record = logRecord(offset, { key: key === null ? null : bytes(key), value: bytes(String(offset)) });
  const written = deadLetterRecord({ topic: 't', partition }, { record, reason: 'not_json', detail: '' });
  const headers = Object.entries(written.headers).map(([name, value]) => [name, bytes(String(value))]);
  return parseDeadLetter({ ...record, headers: Object.fromEntries(headers) as ReadHeaders }, 't.dlq', 0);
}

// eslint-disable-next-line @typescript-eslint/require-await -- pages come from a topic
async function* onePage(letters: readonly DeadLetter[]) {
  yield letters;
}

/** Replays letters to a topic of as many partitions as the cluster has. */
async function replayTo(cluster: ReturnType<typeof fakeCluster>, partitions: number, letters: DeadLetter[]) {
  const result = await replay(cluster.kafka, { topic: 't', partitions }, onePage(letters), NO_LIMITS).then(
    (sent) => ({ sent, error: '' }),
    (error: unknown) => ({ sent: NaN, error: String(error) }),
  );
  return { ...result, log: cluster.committed() };
}

describe('a replay', () => {
  test('sends each letter to its original partition, in the order of the partition', async () => {
    const letters = [letterOf(0, 1), letterOf(1, 0), letterOf(2, 1, 'key')];
    const { sent, log } = await replayTo(fakeCluster([0, 1]), 2, letters);
    expect([sent, log]).toEqual([3, { 't/0': ['1'], 't/1': ['0', '2'] }]);
  });

  test('sends letters whose partition is gone by their key, else by the number of the partition', async () => {
    const { log } = await replayTo(fakeCluster([0, 0]), 2, [letterOf(0, 5), letterOf(1, 5, 'foobar')]);
    expect(log).toEqual({ 't/0': ['1'], 't/1': ['0'] }); // murmur2 of foobar is even
  });

  test('names the first letter that is not confirmed when it fails', async () => {
    const letters = [letterOf(0, 0), letterOf(1, 1), letterOf(2, 0)];
    const { error } = await replayTo(fakeCluster([0, 1], [{ leaders: [0] }]), 2, letters);
    expect(error).toContain('2 records were replayed, then t.dlq/0/1 failed: t/1 did not answer');
    expect(error).toContain('The records from t.dlq/0/1 on may or may not have arrived.');
  });
});

test('a replay that cannot read the next letters reports how many it has sent', async () => {
  // eslint-disable-next-line @typescript-eslint/require-await -- pages come from a topic
  async function* pages() {
    yield [letterOf(0, 0), letterOf(1, 0)];
    throw new Error('the batch is damaged');
  }
  const replayed = replay(fakeCluster([0]).kafka, { topic: 't', partitions: 1 }, pages(), NO_LIMITS);
  await expect(replayed).rejects.toThrow(ReplayError);
  await expect(replayed).rejects.toThrow(
    '2 records were replayed, then the next letters could not be read: the batch is damaged',
  );
});

test('a successful replay has sent each letter exactly once, for any behaviour of brokers', async () => {
  const letters = Array.from({ length: 12 }, (_, offset) =>
    letterOf(offset, offset % 5, offset % 3 ? 'k' : null),
  );
  let successes = 0;
  await fc.assert(
    fc.asyncProperty(leadersOf(4), produceEvents(4), async (leaders, events) => {
      const { sent, error, log } = await replayTo(fakeCluster(leaders, events), 4, letters);
      if (error !== '') return;
      successes += 1;
      expect(sent).toBe(letters.length);
      expect(
        Object.values(log)
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(letters.map((_, offset) => offset));
    }),
    { numRuns: 30 },
  );
  expect(successes).toBeGreaterThan(25);
}, 30_000);
