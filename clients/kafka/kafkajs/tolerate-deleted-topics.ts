import { requestMetadata, UNKNOWN_TOPIC, type TopicMetadata } from './metadata-request.ts';
import { throwIfError, type Broker } from './send-request.ts';

// Fault:       kafkajs 2.2.4 keeps a topic among those that it requests metadata of, also when the topic was deleted. The
//              request then fails for all topics. Without topics it requests the metadata of every topic of the cluster.
// Consequence: a client that has used a deleted topic fails for good.
// Remedy:      request the metadata here, and leave out what no longer exists.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's internal cluster object that its metadata requests use. */
export interface MetadataCluster {
  /** The topics whose metadata kafkajs requests. */
  readonly targetTopics: Set<string>;
  readonly brokerPool: {
    /** Null before the first request. */
    readonly metadata: { readonly topicMetadata: readonly { topic: string }[] } | null;
    createBroker: (options: object) => Broker;
  };
}

const LEADER_NOT_AVAILABLE = 5;

/** Makes the metadata requests of a cluster object tolerate deleted topics. Call it before the object connects. */
export function tolerateDeletedTopics(cluster: MetadataCluster): void {
  const { brokerPool } = cluster;
  const createBroker = brokerPool.createBroker;
  brokerPool.createBroker = (options) => {
    const broker = createBroker(options);
    return Object.assign(broker, {
      async metadata(requested: readonly string[]) {
        const { topics, ...nodes } = await requestMetadata(broker, requested);
        const known = new Set(brokerPool.metadata?.topicMetadata.map(({ topic }) => topic));
        const existing = topics.filter(({ topic, errorCode }) => {
          const isDeleted = errorCode === UNKNOWN_TOPIC && known.has(topic);
          if (isDeleted) cluster.targetTopics.delete(topic);
          // kafkajs removes a new topic itself after an error.
          else throwIfError(errorCode);
          return !isDeleted;
        });
        return { ...nodes, topicMetadata: existing.map(toKafkajs) };
      },
    });
  };
}

const toKafkajs = ({ topic, partitions }: TopicMetadata) => ({
  topic,
  partitionMetadata: partitions.map(({ partition, leader }) => {
    // kafkajs asks again.
    if (leader === null) throwIfError(LEADER_NOT_AVAILABLE);
    return { partitionId: partition, leader };
  }),
});
