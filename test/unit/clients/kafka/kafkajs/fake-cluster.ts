import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import type { Kafka, ProducerConfig } from 'kafkajs';

const require = createRequire(import.meta.url);
const createProducer = require('kafkajs/src/producer') as (options: object) => ReturnType<Kafka['producer']>;
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode: (code: number) => Error;
};
const { KafkaJSConnectionClosedError } = require('kafkajs/src/errors') as {
  KafkaJSConnectionClosedError: new (message: string, broker: object) => Error;
};

const NOT_LEADER = 6;
const OUT_OF_ORDER_SEQUENCE = 45;
const INVALID_PRODUCER_EPOCH = 47;
const CONCURRENT_TRANSACTIONS = 51;
/** A broker recognises a repeated batch among this many. */
const REMEMBERED_BATCHES = 5;

/** The node that leads each partition. The index is the partition. */
type Leaders = readonly number[];

/** What happens to one produce request. */
export interface ProduceEvent {
  /** Time until the broker reads the request. */
  readonly delayMs?: number;
  /** Leaders from then on. */
  readonly leaders?: Leaders;
  /** `cut`: the connection breaks before the broker reads the request; `lost`: after it has written the records. */
  readonly connection?: 'ok' | 'cut' | 'lost';
}

interface ProduceRequest {
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      readonly messages: readonly { readonly value: Buffer | string | null }[];
    }[];
  }[];
}

/** Records of one batch in the log of a partition. */
interface Batch {
  readonly producerId: string;
  readonly firstSequence: number;
  readonly values: readonly string[];
  committed: boolean;
}

/**
 * The log of a Kafka cluster with replicated partitions, below the code of kafkajs's producer: no connections, no engine. It checks
 * epochs and sequence numbers as brokers do. Every topic has the same leaders.
 * @param events what happens to the produce requests, in the order in which they are sent; afterwards nothing special
 * @param refused how many AddPartitionsToTxn requests find the last transaction incomplete
 */
export function fakeCluster(start: Leaders, events: readonly ProduceEvent[] = [], refused = 0) {
  let leaders = start;
  let epoch = -1;
  let producerIds = 0;
  const logs = new Map<string, Batch[]>();
  const upcoming = [...events];
  let refusals = refused;
  const logOf = (place: string) => {
    const log = logs.get(place) ?? [];
    logs.set(place, log);
    return log;
  };
  const endTransaction = (producerId: string, commit: boolean) => {
    for (const [place, log] of logs) {
      if (commit) log.filter((batch) => batch.producerId === producerId).forEach((b) => (b.committed = true));
      else
        logs.set(
          place,
          log.filter((batch) => batch.committed || batch.producerId !== producerId),
        );
    }
  };

  /** @returns the error code of one partition */
  function append(
    node: number,
    place: string,
    partition: number,
    batch: Batch,
    requestEpoch: number,
  ): number {
    if (leaders[partition] !== node) return NOT_LEADER;
    if (batch.producerId === 'transactional' && requestEpoch < epoch) return INVALID_PRODUCER_EPOCH;
    const log = logOf(place);
    const own = log.filter(({ producerId }) => producerId === batch.producerId);
    const isRepeated = own
      .slice(-REMEMBERED_BATCHES)
      .some(({ firstSequence }) => firstSequence === batch.firstSequence);
    if (isRepeated) return 0;
    const last = own.at(-1);
    const expected = last === undefined ? batch.firstSequence : last.firstSequence + last.values.length;
    if (batch.firstSequence !== expected) return OUT_OF_ORDER_SEQUENCE;
    log.push(batch);
    return 0;
  }

  async function produce(node: number, { producerId, producerEpoch, topicData }: ProduceRequest) {
    const event = upcoming.shift() ?? {};
    if (event.delayMs !== undefined) await wait(event.delayMs);
    leaders = event.leaders ?? leaders;
    const closed = new KafkaJSConnectionClosedError('closed', { host: 'broker', port: node });
    if (event.connection === 'cut') throw closed;
    const topics = topicData.map(({ topic, partitions }) => ({
      topicName: topic,
      partitions: partitions.map(({ partition, firstSequence, messages }) => {
        const values = messages.map(({ value }) => String(value));
        const batch = { producerId, firstSequence, values, committed: producerId !== 'transactional' };
        const errorCode = append(node, `${topic}/${partition}`, partition, batch, producerEpoch);
        return { partition, errorCode };
      }),
    }));
    if (event.connection === 'lost') throw closed;
    const failed = topics.flatMap(({ partitions }) => partitions).find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw createErrorFromCode(failed.errorCode);
    return { topics };
  }

  const brokerOf = (node: number) => ({
    nodeId: String(node),
    initProducerId({ transactionalId }: { transactionalId?: string }) {
      if (transactionalId === undefined)
        return Promise.resolve({ producerId: `idempotent-${(producerIds += 1)}`, producerEpoch: 0 });
      endTransaction('transactional', false);
      return Promise.resolve({ producerId: 'transactional', producerEpoch: (epoch += 1) });
    },
    addPartitionsToTxn: () =>
      (refusals -= 1) < 0 ? Promise.resolve() : Promise.reject(createErrorFromCode(CONCURRENT_TRANSACTIONS)),
    addOffsetsToTxn: () => Promise.resolve(),
    txnOffsetCommit: () => Promise.resolve(),
    endTxn({ producerId, transactionResult }: { producerId: string; transactionResult: boolean }) {
      endTransaction(producerId, transactionResult);
      return Promise.resolve();
    },
    produce: (request: ProduceRequest) => produce(node, request),
  });
  const brokers = new Map(NODES.map((node) => [String(node), brokerOf(node)]));
  const anyBroker = () => Promise.resolve(brokers.get('0'));

  const cluster = {
    retry: { retries: 3, initialRetryTime: 1, maxRetryTime: 5 },
    targetTopics: new Set(),
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    isConnected: () => true,
    removeBroker() {},
    refreshMetadata: () => Promise.resolve(),
    refreshMetadataIfNecessary: () => Promise.resolve(),
    addMultipleTargetTopics: () => Promise.resolve(),
    findGroupCoordinator: anyBroker,
    findControllerBroker: anyBroker,
    markOffsetAsCommitted() {},
    findTopicPartitionMetadata: () =>
      leaders.map((leader, partitionId) => ({ partitionId, leader, partitionErrorCode: 0 })),
    findLeaderForPartitions(_topic: string, partitions: readonly (string | number)[]) {
      const byLeader: Record<string, number[]> = {};
      for (const partition of partitions.map(Number)) {
        const leader = leaders[partition];
        if (leader !== undefined) (byLeader[leader] ??= []).push(partition);
      }
      return byLeader;
    },
    findBroker: ({ nodeId }: { nodeId: string }) => Promise.resolve(brokers.get(nodeId)),
  };

  return {
    /** A client whose producers are kafkajs's own. */
    kafka: {
      producer: (options: ProducerConfig) => createProducer({ ...options, cluster, logger: quiet }),
    } as Kafka,
    /** The values of the committed records by `topic/partition`. */
    committed: (): Record<string, string[]> =>
      Object.fromEntries(
        [...logs]
          .map(
            ([place, log]) =>
              [place, log.filter((b) => b.committed).flatMap(({ values }) => values)] as const,
          )
          .filter(([, values]) => values.length > 0),
      ),
    /** How often a transactional producer took its id. */
    fences: () => epoch + 1,
  };
}

const quiet = { namespace: () => quiet, debug() {}, info() {}, warn() {}, error() {} };

const NODES = [0, 1, 2];

export const leadersOf = (partitions: number): fc.Arbitrary<Leaders> =>
  fc.array(fc.constantFrom(...NODES), { minLength: partitions, maxLength: partitions });

export const produceEvents = (partitions: number): fc.Arbitrary<ProduceEvent[]> =>
  fc.array(
    fc.record(
      {
        delayMs: fc.integer({ min: 0, max: 15 }),
        leaders: leadersOf(partitions),
        connection: fc.constantFrom('ok' as const, 'cut' as const, 'lost' as const),
      },
      { requiredKeys: [] },
    ),
    { maxLength: 5 }, // kafkajs waits twice as long after each failure
  );
