import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../../../../clients/kafka/kafkajs/cluster.ts';
import { fetchCommitted } from '../../../../../clients/kafka/kafkajs/committed-offsets.ts';
import { Encoder, type Broker } from '../../../../../clients/kafka/kafkajs/send-request.ts';

const LOADING = 14;
const NOT_COORDINATOR = 16;
const GROUP_AUTHORIZATION_FAILED = 30;
const UNSTABLE_OFFSET_COMMIT = 88;

interface Answer {
  /** Error code of the response. */
  readonly error?: number;
  /** Error code of the partition. */
  readonly partitionError?: number;
  /** Partition that the response is about. */
  readonly partition?: number;
}

/** An OffsetFetch response, version 7, with unknown tagged fields wherever the format allows them. */
function encodeResponse({ error = 0, partitionError = 0, partition = 3 }: Answer): Buffer {
  const bytes = (...values: number[]) => {
    const encoder = new Encoder();
    for (const value of values) encoder.writeInt8(value);
    return encoder;
  };
  const tags = [1, 9, 2, 0, 0]; // one field: tag 9, two bytes
  const int16 = (value: number) => [0, value];
  const offset42 = [0, 0, 0, 0, 0, 0, 0, 42];
  const epoch = [0, 0, 0, 5];
  const metadata = [3, 'm'.charCodeAt(0), 'd'.charCodeAt(0)];
  const partitionBytes = [...[0, 0, 0, partition], ...offset42, ...epoch, ...metadata];
  const topicBytes = [2, 't'.charCodeAt(0), 2, ...partitionBytes, ...int16(partitionError), ...tags, ...tags];
  return bytes(...tags, ...[0, 0, 0, 0], 2, ...topicBytes, ...int16(error), ...tags).buffer;
}

/**
 * Two nodes of a cluster. The first lookup finds node 1 as coordinator, the others node 2.
 * @param answers of the nodes, in the order of the requests; afterwards they answer without error
 */
function fakeCluster(answers: readonly Answer[]) {
  const upcoming = [...answers];
  const asked: number[] = [];
  let lookups = 0;
  const broker = (nodeId: number): Broker => ({
    versions: { 9: { minVersion: 1, maxVersion: 7 } },
    connectionPool: {
      async send({ response }) {
        asked.push(nodeId);
        return response.parse(await response.decode(encodeResponse(upcoming.shift() ?? {})));
      },
    },
    disconnect: () => Promise.resolve(),
  });
  const cluster = {
    findGroupCoordinator: () => Promise.resolve(broker(Math.min((lookups += 1), 2))),
  } as unknown as Cluster;
  const query = { group: 'g', topic: 't', partitions: [3], requireStable: true };
  return { asked, committed: async () => (await fetchCommitted(cluster, query))(3) };
}

const found = { offset: 42, metadata: 'md' };

describe('committed offsets', () => {
  test.each([{ error: NOT_COORDINATOR }, { error: LOADING }, { partitionError: UNSTABLE_OFFSET_COMMIT }])(
    'are requested again, after a new lookup, when the answer is %o',
    async (answer) => {
      const { committed, asked } = fakeCluster([answer, answer]);
      expect(await committed()).toEqual(found);
      expect(asked).toEqual([1, 2, 2]);
    },
  );

  test('fail with an error that another try cannot change', async () => {
    const { committed, asked } = fakeCluster([{ error: GROUP_AUTHORIZATION_FAILED }]);
    await expect(committed()).rejects.toThrow(/Not authorized/);
    expect(asked).toEqual([1]);
  });

  test('fail when the response does not contain the partition', async () => {
    const { committed } = fakeCluster([{ partition: 4 }]);
    await expect(committed()).rejects.toThrow('Kafka returned no committed offset of g for partition 3 of t');
  });
});
