import type { Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { anyMasterNode } from '../redis/master-nodes.ts';

/** Used when no profile is cached: the size of a profile with a long biography. With a short one it is about 640. */
const DEFAULT_BYTES = 1_000;
/** Bytes of each key that MEMORY USAGE does not count: its expiry, and its share of the hash tables. Measured with 37,486 profiles. */
const KEY_OVERHEAD_BYTES = 70;
const SAMPLE_SIZE = 200;
/** Keys in one SCAN step: half a millisecond of Redis. */
const SCAN_COUNT = 1_000;
const MAX_SCANS = 20;

/** The size of a cached profile in Redis: the mean of a random sample, or a default when no profile is found. */
export async function measureProfileSize(redis: RedisClient): Promise<number> {
  const keys = await sampleKeys(anyMasterNode(redis));
  // not on the scanned node: while a slot moves, SCAN also lists keys that the node no longer serves
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
  const measured = sizes.filter((size) => size !== null);
  if (measured.length === 0) return DEFAULT_BYTES;
  return Math.round(measured.reduce((sum, size) => sum + size, 0) / measured.length) + KEY_OVERHEAD_BYTES;
}

/** SCAN follows the hashes of the keys, so the first keys that it returns are a random sample. */
async function sampleKeys(node: Redis): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  for (let scans = 0; scans < MAX_SCANS && keys.size < SAMPLE_SIZE; scans += 1) {
    const [nextCursor, page] = await node.scan(cursor, 'MATCH', profile.key('*'), 'COUNT', SCAN_COUNT);
    for (const key of page) keys.add(key);
    cursor = nextCursor;
    if (cursor === '0') break;
  }
  return [...keys].slice(0, SAMPLE_SIZE);
}
