import type { Kafka, KafkaMessage } from 'kafkajs';
import type { AbortedTransaction, FetchedMessage } from './read-committed.ts';

/** The parts of kafkajs's internal cluster object that fetches need; pinned to 2.2.4 and held by contract tests. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  /** Partitions by the node that leads them, without those that the metadata does not know. */
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>;
  findBroker(options: { nodeId: string }): Promise<{ fetch(request: FetchRequest): Promise<FetchResponse> }>;
}
interface FetchRequest {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}
export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly abortedTransactions: AbortedTransaction[] | null;
  readonly messages: (FetchedMessage &
    KafkaMessage & { batchContext: { firstOffset: string; lastOffsetDelta: number } })[];
}
interface FetchResponse {
  readonly responses: { topicName: string; partitions: FetchedPartition[] }[];
}

export const READ_COMMITTED = 1;
/** Brings the first batch only: brokers give at least one whole batch whatever the limit. */
export const ONE_BATCH_BYTES = 1;

/** A cluster object with connections of its own, made when first asked for and after a failure. */
export function lazyCluster(kafka: Kafka) {
  let connecting: Promise<Cluster> | undefined;
  return {
    connected: async (): Promise<Cluster> => {
      connecting ??= connect(kafka);
      try {
        return await connecting;
      } catch (error) {
        connecting = undefined;
        throw error;
      }
    },
    close: async (): Promise<void> => {
      await (await connecting?.catch(() => undefined))?.disconnect();
    },
  };
}

async function connect(kafka: Kafka): Promise<Cluster> {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create =
    symbol === undefined
      ? undefined
      : (kafka as unknown as Record<symbol, ((options: object) => Cluster) | undefined>)[symbol];
  if (create === undefined)
    throw new Error('This kafkajs has no createCluster; reading ranges is written for 2.2.4');
  const cluster = create({
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
  });
  await cluster.connect();
  return cluster;
}
