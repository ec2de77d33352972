import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';

/**
 * The connections to the masters of a cluster that the client knows, or to the single Redis. A cluster client forgets a master whose
 * connection ends, until a command is redirected to it.
 */
export const knownMasters = (redis: RedisClient): Redis[] =>
  redis instanceof Cluster ? redis.nodes('master') : [redis];

/**
 * The connections to all masters: a cluster is asked which ones it has. A command to one that does not answer fails.
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
 * One master. The hashes of their keys spread entries over a cluster, so that one master holds a sample of them all.
 * @throws Error when the client knows no master
 */
export function anyMasterNode(redis: RedisClient): Redis {
  const [node] = knownMasters(redis);
  if (node === undefined) throw new Error(NO_MASTER);
  return node;
}
