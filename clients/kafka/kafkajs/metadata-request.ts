import { NO_CLUSTER_ID, NO_TOPIC_ID } from '../../../domain/scoring/committed-metadata.ts';
import { Encoder, sendRequest, type Broker, type Decoder } from './send-request.ts';
import { NO_TAGS, readInt32s, readStructures, skipTags } from './flexible.ts';

// Fault:       kafkajs 2.2.4 requests the metadata of all topics that a client has used, throws it away when one topic has an error, and
//              knows no topic ids.
// Consequence: a client that has used a deleted topic fails for good, also for its other topics. A topic that was created
//              again cannot be told from the one before.
// Remedy:      request the metadata here, with an error for each topic.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

interface PartitionMetadata {
  readonly partition: number;
  /** Id of the node that leads the partition; null when there is none. */
  readonly leader: number | null;
}

export interface TopicMetadata {
  readonly topic: string;
  /** Kafka's code of the error, for example `UNKNOWN_TOPIC`; 0 when the topic exists. */
  readonly errorCode: number;
  /** As Kafka's tools show it. `NO_TOPIC_ID` when the topic does not exist, or the broker has no topic ids. */
  readonly topicId: string;
  /** By ascending partition. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
    readonly rack: string | null;
  }[];
  readonly topics: readonly TopicMetadata[];
}

const METADATA = 3;
/** Kafka 2.8 and later. */
const WITH_TOPIC_IDS = 10;
/** Redpanda, and older Kafka. */
const WITHOUT_TOPIC_IDS = 5;
/** UNKNOWN_TOPIC_OR_PARTITION */
export const UNKNOWN_TOPIC = 3;

/** Requests the metadata of topics. It creates none of them. Without topics it tells the brokers only. */
export async function requestMetadata(broker: Broker, topics: readonly string[]): Promise<ClusterMetadata> {
  const known = broker.versions?.[METADATA]?.maxVersion ?? WITHOUT_TOPIC_IDS;
  const apiVersion = known >= WITH_TOPIC_IDS ? WITH_TOPIC_IDS : WITHOUT_TOPIC_IDS;
  const hasTopicIds = apiVersion === WITH_TOPIC_IDS;
  return sendRequest(
    broker,
    {
      ...{ apiKey: METADATA, apiVersion, apiName: 'Metadata' },
      encode: () => Promise.resolve(hasTopicIds ? encodeWithIds(topics) : encodeWithoutIds(topics)),
    },
    hasTopicIds ? decodeWithIds : decodeWithoutIds,
  );
}

const encodeWithoutIds = (topics: readonly string[]): Encoder =>
  new Encoder().writeArray(topics).writeBoolean(false); // create missing topics

/** Metadata request version 10: https://kafka.apache.org/protocol#The_Messages_Metadata */
function encodeWithIds(topics: readonly string[]): Encoder {
  const encoded = topics.map((topic) => {
    const encoder = new Encoder();
    for (let byte = 0; byte < 16; byte += 1) encoder.writeInt8(0); // topic id: look the topic up by its name
    return encoder.writeUVarIntString(topic).writeInt8(NO_TAGS);
  });
  return new Encoder()
    .writeInt8(NO_TAGS)
    .writeUVarIntArray(encoded)
    .writeBoolean(false) // create missing topics
    .writeBoolean(false) // include the authorized operations of the cluster
    .writeBoolean(false) // include the authorized operations of the topics
    .writeInt8(NO_TAGS);
}

function decodeWithoutIds(decoder: Decoder) {
  const throttleMs = decoder.readInt32();
  const brokers = decoder.readArray(() => ({
    nodeId: decoder.readInt32(),
    host: decoder.readString() ?? '',
    port: decoder.readInt32(),
    rack: decoder.readString(),
  }));
  const clusterId = decoder.readString() ?? NO_CLUSTER_ID;
  const controllerId = decoder.readInt32();
  const readInt32Array = () => decoder.readArray(() => decoder.readInt32());
  const topics = decoder.readArray(() => {
    const errorCode = decoder.readInt16();
    const topic = decoder.readString() ?? '';
    decoder.readBoolean(); // is internal
    const partitions = decoder.readArray(() => {
      decoder.readInt16(); // error: the leader says as much
      const partition = decoder.readInt32();
      const leader = decoder.readInt32();
      for (let list = 0; list < 3; list += 1) readInt32Array(); // replicas, in sync, offline
      return { partition, leader };
    });
    return toTopic({ topic, errorCode, topicId: NO_TOPIC_ID, partitions });
  });
  return { throttleMs, value: { clusterId, controllerId, brokers, topics } };
}

function decodeWithIds(decoder: Decoder) {
  skipTags(decoder);
  const throttleMs = decoder.readInt32();
  const brokers = readStructures(decoder, () => ({
    nodeId: decoder.readInt32(),
    host: decoder.readUVarIntString() ?? '',
    port: decoder.readInt32(),
    rack: decoder.readUVarIntString(),
  }));
  const clusterId = decoder.readUVarIntString() ?? NO_CLUSTER_ID;
  const controllerId = decoder.readInt32();
  const topics = readStructures(decoder, () => {
    const errorCode = decoder.readInt16();
    const topic = decoder.readUVarIntString() ?? '';
    const topicId = decoder.readBytes(16)?.toString('base64url') ?? NO_TOPIC_ID;
    decoder.readBoolean(); // is internal
    const partitions = readStructures(decoder, () => {
      decoder.readInt16(); // error: the leader says as much
      const partition = decoder.readInt32();
      const leader = decoder.readInt32();
      decoder.readInt32(); // leader epoch
      for (let list = 0; list < 3; list += 1) readInt32s(decoder); // replicas, in sync, offline
      return { partition, leader };
    });
    decoder.readInt32(); // authorized operations
    return toTopic({ topic, errorCode, topicId, partitions });
  });
  return { throttleMs, value: { clusterId, controllerId, brokers, topics } };
}

function toTopic({
  partitions,
  ...topic
}: Omit<TopicMetadata, 'partitions'> & {
  partitions: { partition: number; leader: number }[];
}): TopicMetadata {
  return {
    ...topic,
    partitions: partitions
      .map(({ partition, leader }) => ({ partition, leader: leader < 0 ? null : leader }))
      .sort((a, b) => a.partition - b.partition),
  };
}
