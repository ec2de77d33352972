import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';

/** The connections to all masters of a cluster, or to the single Redis. */
export const masterNodes = (redis: RedisClient): Redis[] =>
  redis instanceof Cluster ? redis.nodes('master') : [redis];

/**
 * One master. The hashes of their keys spread entries over a cluster, so that one master holds a sample of them all.
 * @throws Error when the client knows no master
 */
export function anyMasterNode(redis: RedisClient): Redis {
  const [node] = masterNodes(redis);
  if (node === undefined) throw new Error('The Redis cluster has no master');
  return node;
}
