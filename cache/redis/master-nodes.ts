import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';

/**
 * The connections to the known masters of a cluster, or to the single Redis. A cluster client forgets a master whose connection ends, until
 * a command is redirected to it.
 */
export const knownMasters = (redis: RedisClient): Redis[] =>
  redis instanceof Cluster ? redis.nodes('master') : [redis];

/**
 * The connections to all masters, from the cluster's own list. A command to a master that is down fails.
 * @throws Error when no node of the cluster answers
 */
export async function findMasters(redis: RedisClient): Promise<Redis[]> {
  if (redis instanceof Cluster) await refreshNodes(redis);
  const masters = knownMasters(redis);
  if (masters.length === 0) throw new Error(NO_MASTER);
  return masters;
}

const NO_MASTER = 'The Redis cluster has no master';

const refreshNodes = (cluster: Cluster): Promise<void> =>
  new Promise((resolve, reject) => {
    cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve()));
  });

/**
 * One master. Keys are spread over a cluster by their hashes, so one master holds a sample of all entries.
 * @throws Error when the client knows no master
 */
export function anyMasterNode(redis: RedisClient): Redis {
  const [node] = knownMasters(redis);
  if (node === undefined) throw new Error(NO_MASTER);
  return node;
}
