import type { Cluster } from './cluster.ts';
import { int32, NO_TAGS, readStructures, skipTags } from './flexible.ts';
import { withRetry } from './retry.ts';
import { Encoder, sendRequest, throwIfError, type Broker, type Decoder } from './send-request.ts';

// Fault:       kafkajs 2.2.4 reads committed offsets with request version 4, which has no `require_stable`.
// Consequence: until the marker of a commit is written, Kafka returns the offset before it.
// Remedy:      send version 7, which answers UNSTABLE_OFFSET_COMMIT then, and repeat it.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** What a group committed for a partition. */
export interface CommittedOffset {
  /** Null when the group has never committed here. */
  readonly offset: number | null;
  /** Committed in the same transaction as the offset. */
  readonly metadata: string | null;
}

const OFFSET_FETCH = 9;
/** Kafka 2.5 and later, and Redpanda. */
const VERSION = 7;

interface CommittedQuery {
  readonly group: string;
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Wait until pending commits of these partitions are complete. Otherwise Kafka returns the offset before them. */
  readonly requireStable: boolean;
}

/** What the group committed for one partition of the query. @throws Error when Kafka's answer lacks it: unknown is not the same as empty */
type CommittedLookup = (partition: number) => CommittedOffset;

/**
 * Reads what a group committed for partitions of a topic. After the coordinator moved, requests to the old one are repeated until its
 * lookup is 2 s old (`patchCoordinatorLookup`). While there is no coordinator, kafkajs itself repeats the lookup for about 20 s.
 * @returns the offsets. Kafka does not say whether a partition without one exists
 * @throws UNSTABLE_OFFSET_COMMIT when a commit is pending for longer than 10 s, and other errors of kafkajs
 */
export async function fetchCommitted(cluster: Cluster, query: CommittedQuery): Promise<CommittedLookup> {
  const { group, topic } = query;
  const committed = await withRetry(async () =>
    sendOffsetFetch(await cluster.findGroupCoordinator({ groupId: group }), query),
  );
  return (partition) => {
    const found = committed.get(partition);
    if (found !== undefined) return found;
    throw new Error(`Kafka returned no committed offset of ${group} for partition ${partition} of ${topic}`);
  };
}

async function sendOffsetFetch(
  coordinator: Broker,
  query: CommittedQuery,
): Promise<Map<number, CommittedOffset>> {
  const known = coordinator.versions?.[OFFSET_FETCH]?.maxVersion ?? 0;
  if (known < VERSION) throw new Error('The brokers cannot read stable offsets; use Kafka 2.5 or later');
  const encode = () => Promise.resolve(encodeRequest(query));
  const request = { apiKey: OFFSET_FETCH, apiVersion: VERSION, apiName: 'OffsetFetch', encode };
  return sendRequest(coordinator, request, decodeResponse);
}

/** OffsetFetch request version 7: https://kafka.apache.org/protocol#The_Messages_OffsetFetch */
function encodeRequest({ group, topic, partitions, requireStable }: CommittedQuery): Encoder {
  const encodedTopic = new Encoder()
    .writeUVarIntString(topic)
    .writeUVarIntArray(partitions.map(int32))
    .writeInt8(NO_TAGS);
  return new Encoder()
    .writeInt8(NO_TAGS)
    .writeUVarIntString(group)
    .writeUVarIntArray([encodedTopic])
    .writeBoolean(requireStable)
    .writeInt8(NO_TAGS);
}

/** @throws the error of the response or of its first partition with one */
function decodeResponse(decoder: Decoder) {
  skipTags(decoder);
  const throttleMs = decoder.readInt32();
  const topics = readStructures(decoder, () => {
    decoder.readUVarIntString(); // topic
    return readStructures(decoder, () => decodePartition(decoder));
  });
  throwIfError(decoder.readInt16());
  return { throttleMs, value: new Map(topics.flat()) };
}

function decodePartition(decoder: Decoder): [partition: number, committed: CommittedOffset] {
  const partition = decoder.readInt32();
  const offset = Number(decoder.readInt64());
  decoder.readInt32(); // leader epoch
  const metadata = decoder.readUVarIntString();
  throwIfError(decoder.readInt16());
  // Kafka returns an empty text when nothing was committed.
  return [partition, { offset: offset < 0 ? null : offset, metadata: metadata === '' ? null : metadata }];
}
