import type { Kafka } from 'kafkajs';
import { requestNoTopics, type BrokerFactory } from './request-no-topics.ts';
import type { Broker } from './send-request.ts';

// kafkajs 2.2.4 has no public way to fetch from a partition without a consumer group (https://github.com/tulios/kafkajs/issues/373).
// This file uses its internal cluster object, which a private symbol of the client creates. The version is pinned, and the
// integration tests of the record reader and of fetch.ts fail if the object changes. See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's internal cluster object that fetches use. */
export interface Cluster extends BrokerFactory {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  /** Requests the nodes. */
  refreshMetadata(): Promise<void>;
  findBroker(options: { nodeId: string }): Promise<ClusterBroker>;
  findGroupCoordinator(group: { groupId: string }): Promise<ClusterBroker>;
  /** Ids of the known nodes. */
  getNodeIds(): string[];
  readonly brokerPool: BrokerFactory['brokerPool'] & {
    findConnectedBroker(): Promise<ClusterBroker>;
  };
}

/** A node of the cluster, with those of its requests that kafkajs has. */
export interface ClusterBroker extends Broker {
  describeConfigs(request: {
    readonly resources: readonly { type: number; name: string; configNames: readonly string[] }[];
  }): Promise<{
    resources: { configEntries: { configName: string; configValue: string | null }[] }[];
  }>;
  listOffsets(request: {
    readonly isolationLevel: number;
    readonly topics: readonly { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
}

export const READ_COMMITTED = 1;
/** Fetches one batch only: brokers return at least one complete batch, also when it exceeds the limit. */
export const ONE_BATCH_BYTES = 1;

/** A cluster object with its own connections. */
export interface LazyCluster {
  /** Connects on the first call, and again after a connect failed. */
  connected(): Promise<Cluster>;
  close(): Promise<void>;
}

export function createLazyCluster(kafka: Kafka): LazyCluster {
  let connecting: Promise<Cluster> | undefined;
  return {
    async connected() {
      connecting ??= connect(kafka);
      try {
        return await connecting;
      } catch (error) {
        connecting = undefined;
        throw error;
      }
    },
    async close() {
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
    throw new Error(
      'This version of kafkajs has no internal createCluster; the record reader needs version 2.2.4',
    );
  const cluster = create({
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
  });
  requestNoTopics(cluster);
  await cluster.connect();
  return cluster;
}
