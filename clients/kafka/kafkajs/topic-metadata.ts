import { LeaderNotFoundError, TopicNotFoundError } from '../topic-errors.ts';
import type { Cluster } from './cluster.ts';
import { requestMetadata, UNKNOWN_TOPIC, type TopicMetadata } from './metadata-request.ts';
import { withRetry } from './retry.ts';
import { throwIfError } from './send-request.ts';

/** A topic that exists, in its cluster. */
export interface ClusterTopic extends TopicMetadata {
  readonly clusterId: string;
}

/** The answer to one request. Concurrent callers share it. */
interface Lookup {
  readonly startedAt: number;
  readonly found: Promise<ClusterTopic | null>;
}

/** Leaders that moved are noticed immediately, since the old leader answers with an error (`forgetTopic`). */
const LEADERS_MAX_AGE_MS = 60_000;

const lookupsByCluster = new WeakMap<Cluster, Map<string, Lookup>>();

/**
 * The metadata of a topic, at most so old. Each topic has a request of its own, so that no topic can disturb another.
 * @returns null when there is no such topic
 * @throws connection errors, and Kafka's error for the topic, when they last longer than 10 s
 */
export function findTopic(cluster: Cluster, topic: string, maxAgeMs = 0): Promise<ClusterTopic | null> {
  const lookups = lookupsOf(cluster);
  const known = lookups.get(topic);
  if (known !== undefined && performance.now() - known.startedAt < maxAgeMs) return known.found;
  const lookup = { startedAt: performance.now(), found: withRetry(() => requestTopic(cluster, topic)) };
  lookups.set(topic, lookup);
  const forget = () => {
    if (lookups.get(topic) === lookup) lookups.delete(topic);
  };
  lookup.found.then((found) => {
    if (found === null) forget();
  }, forget);
  return lookup.found;
}

/** Makes the next call look the topic up again. */
export function forgetTopic(cluster: Cluster, topic: string): void {
  lookupsOf(cluster).delete(topic);
}

/**
 * The id of the node that leads a partition.
 * @throws TopicNotFoundError, LeaderNotFoundError, and what `findTopic` throws
 */
export async function findLeader(cluster: Cluster, topic: string, partition: number): Promise<string> {
  const leaderIn = (found: ClusterTopic | null) =>
    found?.partitions.find((known) => known.partition === partition)?.leader;
  let found = await findTopic(cluster, topic, LEADERS_MAX_AGE_MS);
  // The partition may have been added, or a leader elected.
  if (leaderIn(found) == null) found = await findTopic(cluster, topic);
  const leader = leaderIn(found);
  if (leader === null) throw new LeaderNotFoundError(topic, partition);
  if (leader === undefined) throw new TopicNotFoundError(topic, found === null ? undefined : partition);
  const nodeId = String(leader);
  // kafkajs finds added nodes only after a refresh.
  if (!cluster.getNodeIds().includes(nodeId)) await cluster.refreshMetadata();
  return nodeId;
}

async function requestTopic(cluster: Cluster, topic: string): Promise<ClusterTopic | null> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  const { clusterId, topics } = await requestMetadata(broker, [topic]);
  const found = topics.find((candidate) => candidate.topic === topic);
  if (found === undefined) throw new Error(`The broker returned no metadata of topic ${topic}`);
  if (found.errorCode === UNKNOWN_TOPIC) return null;
  throwIfError(found.errorCode);
  return { ...found, clusterId };
}

function lookupsOf(cluster: Cluster): Map<string, Lookup> {
  const lookups = lookupsByCluster.get(cluster) ?? new Map<string, Lookup>();
  lookupsByCluster.set(cluster, lookups);
  return lookups;
}
