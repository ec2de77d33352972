import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTransactions, type TransactionOutput } from '../../../../clients/kafka/transactions.ts';
import { NO_LIMITS } from './no-limits.ts';
import { fakeCluster, leadersOf, produceEvents, type ProduceEvent } from './kafkajs/fake-cluster.ts';

const INPUT = { group: 'g', topic: 'input', partition: 1, offset: 7, metadata: '' };
const to = (partition: number, value: string) => ({ partition, key: value, value });
const outputOf = (...messages: TransactionOutput['records'][number]['message'][]): TransactionOutput => ({
  ...INPUT,
  records: messages.map((message) => ({ topic: 't', message })),
});

/** Commits an output on a cluster. @returns the records that readers then see */
async function commit(
  cluster: ReturnType<typeof fakeCluster>,
  output: TransactionOutput,
): Promise<{ readonly error: unknown; readonly log: Record<string, string[]> }> {
  const transactions = createTransactions(cluster.kafka, NO_LIMITS);
  const producer = await transactions.open('id');
  const error: unknown = await producer.commit(output).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, log: cluster.committed() };
}

const TWO = outputOf(to(0, 'a'), to(1, 'b'));

describe('a transaction over several brokers', () => {
  test('writes every record to its partition', async () => {
    const { error, log } = await commit(fakeCluster([0, 1]), TWO);
    expect([error, log]).toEqual([undefined, { 't/0': ['a'], 't/1': ['b'] }]);
  });

  const cases: Record<string, ProduceEvent[]> = {
    // kafkajs would not send 'b' at all, and the commit would succeed.
    'a partition moves to a broker that has answered': [{}, { delayMs: 5, leaders: [0, 0] }],
    // kafkajs would send 'a' again under the next sequence number.
    'both partitions move to a third broker': [{}, { delayMs: 5, leaders: [2, 2] }],
    // kafkajs would send 'a' again, although its first request is still on its way.
    'a broker fails while another is slow': [{ delayMs: 30 }, { connection: 'cut' }],
  };
  for (const [name, events] of Object.entries(cases))
    test(`fails and writes nothing when ${name}`, async () => {
      const { error, log } = await commit(fakeCluster([0, 1], events), TWO);
      expect([String(error), log]).toEqual([expect.stringContaining('cannot be tried again safely'), {}]);
    });

  test('that failed begins again at the fence, and its records are then written once', async () => {
    const cluster = fakeCluster([0, 1], [{}, { delayMs: 5, leaders: [2, 2] }]);
    const transactions = createTransactions(cluster.kafka, NO_LIMITS);
    const failed = await transactions.open('id');
    await expect(failed.commit(TWO)).rejects.toThrow();
    await failed.close(); // like the caller after every error
    const again = await transactions.open('id');
    expect(cluster.fences()).toBe(2);
    await again.commit(TWO);
    expect(cluster.committed()).toEqual({ 't/0': ['a'], 't/1': ['b'] });
  });
});

describe('a transaction on one broker', () => {
  test('repeats a request whose reply is lost, and the broker drops the duplicate', async () => {
    const cluster = fakeCluster([0, 0], [{ connection: 'lost' }, { connection: 'cut' }]);
    const { error, log } = await commit(cluster, TWO);
    expect([error, log]).toEqual([undefined, { 't/0': ['a'], 't/1': ['b'] }]);
    expect(cluster.fences()).toBe(1);
  });

  test('follows its partitions to a new leader', async () => {
    const { error, log } = await commit(fakeCluster([0, 0], [{ leaders: [2, 2] }]), TWO);
    expect([error, log]).toEqual([undefined, { 't/0': ['a'], 't/1': ['b'] }]);
  });

  test('writes a record without a key to the number of the input partition, also when its reply is lost', async () => {
    const letters = outputOf({ key: null, value: 'letter' }, { key: null, value: 'another' });
    const cluster = fakeCluster([0, 0, 0], [{ connection: 'lost' }]);
    const { error, log } = await commit(cluster, letters);
    expect([error, log]).toEqual([undefined, { 't/1': ['letter', 'another'] }]);
  });

  test('fails when the cluster does not know a partition of a record', async () => {
    const { error, log } = await commit(fakeCluster([0]), outputOf(to(0, 'a'), to(3, 'b')));
    expect([String(error), log]).toEqual([expect.stringContaining('t/3 did not answer'), {}]);
  });
});

test('a committed transaction has each record exactly once, and a failed one has none, for any behaviour of brokers', async () => {
  const values = ['a', 'b', 'c', 'd', 'e', 'f'];
  let commits = 0;
  await fc.assert(
    fc.asyncProperty(leadersOf(4), produceEvents(4), fc.nat(2), async (leaders, events, refused) => {
      const output = outputOf(...values.map((value) => ({ key: value === 'f' ? null : value, value })));
      const { error, log } = await commit(fakeCluster(leaders, events, refused), output);
      expect(Object.values(log).flat().sort()).toEqual(error === undefined ? values : []);
      if (error === undefined) commits += 1;
    }),
    { numRuns: 300 },
  );
  // About an eighth of the runs commit: the others meet too many faults.
  expect(commits).toBeGreaterThan(15);
}, 30_000);
