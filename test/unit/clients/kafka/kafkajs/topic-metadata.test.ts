import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../../../../clients/kafka/kafkajs/cluster.ts';
import { fetchRecords, pollPartitions } from '../../../../../clients/kafka/kafkajs/fetch.ts';
import { Encoder, type Broker } from '../../../../../clients/kafka/kafkajs/send-request.ts';
import { findLeader } from '../../../../../clients/kafka/kafkajs/topic-metadata.ts';
import { RecordsUnavailableError } from '../../../../../clients/kafka/read-errors.ts';
import { createRecordReader } from '../../../../../clients/kafka/record-reader.ts';
import { LeaderNotFoundError } from '../../../../../clients/kafka/topic-errors.ts';

const { KafkaJSConnectionError } = createRequire(import.meta.url)('kafkajs/src/errors') as {
  KafkaJSConnectionError: new (message: string) => Error;
};

const METADATA = 3;
const NOT_LEADER = 6;
const NO_NODE = -1;
const int16 = (value: number) => new Encoder().writeInt8(0).writeInt8(value);
const int32 = (value: number) => new Encoder().writeInt32(value);
const concat = (...parts: Encoder[]) => Buffer.concat(parts.map(({ buffer }) => buffer));

/** Metadata response, version 5: one topic with one partition. */
const encodeMetadata = (leader: number) =>
  concat(
    int32(0), // throttle time
    int32(0), // brokers
    ...[new Encoder().writeString('cluster'), int32(1), int32(1)], // controller, topics
    ...[int16(0), new Encoder().writeString('t').writeBoolean(false), int32(1)], // partitions
    ...[int16(0), int32(0), int32(leader), int32(0), int32(0), int32(0)], // replicas, in sync, offline
  );

/** Fetch response, version 11: an error of that partition. */
const encodeFetchError = (error: number) =>
  concat(
    ...[int32(0), int16(0), int32(0), int32(1), new Encoder().writeString('t'), int32(1)],
    ...[int32(0), int16(error), ...Array.from({ length: 6 }, () => int32(-1))], // offsets
    ...[int32(0), int32(-1), int32(0)], // aborted transactions, preferred replica, records
  );

/** A cluster of nodes 1 and 2, and a topic with one partition, which a test moves from node to node. */
function fakeCluster() {
  const state = {
    leader: 1,
    down: new Set<string>(),
    known: ['1', '2'],
    refreshes: 0,
    lookups: 0,
    fetches: 0,
  };
  const broker: Broker = {
    versions: { [METADATA]: { minVersion: 0, maxVersion: 8 } },
    connectionPool: {
      async send({ request, response }) {
        if (request.apiKey === METADATA) state.lookups += 1;
        else state.fetches += 1;
        const payload =
          request.apiKey === METADATA ? encodeMetadata(state.leader) : encodeFetchError(NOT_LEADER);
        return response.parse(await response.decode(payload));
      },
    },
    disconnect: () => Promise.resolve(),
  };
  const cluster = {
    brokerPool: { findConnectedBroker: () => Promise.resolve(broker) },
    getNodeIds: () => state.known,
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    refreshMetadata: () => Promise.resolve(void (state.refreshes += 1)),
    findBroker: ({ nodeId }: { nodeId: string }) =>
      state.down.has(nodeId) ? Promise.reject(new KafkaJSConnectionError('down')) : Promise.resolve(broker),
  } as unknown as Cluster;
  return { state, cluster, leader: () => findLeader(cluster, 't', 0) };
}

const location = { topic: 't', partition: 0, offset: 0 };

/** A reader of that cluster. (kafkajs creates a cluster with a method that has a symbol as its name.) */
function readerOf(cluster: Cluster) {
  const kafka = { [Symbol('private:Kafka:createCluster')]: () => cluster };
  return createRecordReader(kafka as unknown as Kafka);
}

describe('the leader of a partition', () => {
  test('is remembered', async () => {
    const { state, leader } = fakeCluster();
    expect([await leader(), await leader()]).toEqual(['1', '1']);
    expect(state.lookups).toBe(1);
  });

  test('is looked up again after the old leader has refused a fetch', async () => {
    const { state, cluster, leader } = fakeCluster();
    await leader();
    state.leader = 2;
    const [partition] = await pollPartitions(cluster, '1', [location], 0);
    expect(partition?.error).toBe('NOT_LEADER_FOR_PARTITION');
    expect(await leader()).toBe('2');
  });

  test('is looked up again after the old leader could not be reached', async () => {
    const { state, cluster, leader } = fakeCluster();
    await leader();
    Object.assign(state, { leader: 2, down: new Set('1') });
    const fetch = fetchRecords(cluster, '1', { ...location, maxBytes: 1, maxWaitMs: 0 });
    await expect(fetch).rejects.toThrow('down');
    expect(await leader()).toBe('2');
  });

  test('is looked up on each call while there is none', async () => {
    const { state, leader } = fakeCluster();
    state.leader = NO_NODE;
    await expect(leader()).rejects.toThrow(LeaderNotFoundError);
    state.leader = 2;
    expect(await leader()).toBe('2');
  });

  test('may be a node that kafkajs does not know yet', async () => {
    const { state, leader } = fakeCluster();
    await leader();
    expect(state.refreshes).toBe(0);
    state.known = ['2'];
    await leader();
    expect(state.refreshes).toBe(1);
  });
});

describe('while no broker accepts a fetch', () => {
  test('a read tries again after pauses, and does not spin', async () => {
    const { state, cluster } = fakeCluster();
    const read = readerOf(cluster).read(location, 10, { signal: AbortSignal.timeout(300) });
    await expect(read).rejects.toThrow('timeout');
    expect(state.fetches).toBeLessThan(20);
  });

  test('a wait for records fails, and reports no unknown end of the log', async () => {
    const { cluster } = fakeCluster();
    const wait = readerOf(cluster).waitForRecords(location, new AbortController().signal);
    await expect(wait).rejects.toThrow(RecordsUnavailableError);
  });
});
