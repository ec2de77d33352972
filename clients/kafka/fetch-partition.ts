import type { OffsetRange } from '../../domain/kafka-location.ts';
import { READ_COMMITTED, type Cluster, type FetchedPartition } from './kafkajs/cluster.ts';
import { OffsetsUnavailableError } from './range-errors.ts';

/** A broker answers an empty fetch after this time. */
const FETCH_WAIT_MS = 500;

/**
 * Fetches raw messages of one partition from its leader.
 * @param range names the partition; errors quote it
 * @param offset the first wanted offset; messages before it may precede it, since brokers return complete batches
 * @param maxBytes limit of the response in bytes, compressed as in the log; one larger batch comes nevertheless
 * @throws OffsetsUnavailableError when the partition has no leader or is missing from the response
 */
export async function fetchPartition(
  cluster: Cluster,
  range: OffsetRange,
  offset: number,
  maxBytes: number,
): Promise<FetchedPartition> {
  const { topic, partition } = range;
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadataIfNecessary();
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (nodeId === undefined) throw new OffsetsUnavailableError(range, 'the partition has no leader');
  const broker = await cluster.findBroker({ nodeId });
  const { responses } = await broker.fetch({
    maxWaitTime: FETCH_WAIT_MS,
    minBytes: 1,
    maxBytes,
    isolationLevel: READ_COMMITTED,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
  });
  const fetched = responses[0]?.partitions[0];
  if (fetched === undefined)
    throw new OffsetsUnavailableError(range, 'the response of the broker does not contain the partition');
  return fetched;
}
