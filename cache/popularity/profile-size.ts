import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { readMemoryInfo } from '../redis/memory-info.ts';

/** Where no profile is cached to measure: today's KOLs with long biographies; with short ones it is about 640. */
const USUAL_BYTES = 1_000;
/** What MEMORY USAGE leaves out of each key: its expiry, and its share of the hash tables. Measured with 37,486 profiles. */
const BYTES_BESIDE = 70;
const SAMPLE = 200;
/** Keys looked at in one SCAN, half a millisecond of Redis; and how many SCANs at most. */
const SCAN_KEYS = 1_000;
const MOST_SCANS = 20;

/** Bytes of Redis that a cached profile takes: the mean of a random sample, or the usual where none is found. */
export async function measureProfileSize(redis: RedisClient): Promise<number> {
  const keys = await sampleKeys(oneNode(redis));
  // Not by that node: keys of a slot that is moving are scanned where they cannot be read.
  const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
  const measured = sizes.filter((size) => size !== null);
  if (measured.length === 0) return USUAL_BYTES;
  return Math.round(measured.reduce((sum, size) => sum + size, 0) / measured.length) + BYTES_BESIDE;
}

/**
 * Bytes that Redis may use: its maxmemory, or where it has no limit all of its machine's.
 * @throws Error where it tells neither
 */
export async function memoryLimit(redis: RedisClient): Promise<number> {
  const { maxBytes } = await readMemoryInfo(redis);
  if (maxBytes > 0) return maxBytes;
  const info = await oneNode(redis).info('memory');
  const machine = Number(/^total_system_memory:(\d+)/m.exec(info)?.[1] ?? 0);
  if (machine === 0) throw new Error('Redis tells no limit of its memory: set WARM_PROFILES');
  return machine;
}

/** Profiles are spread over a cluster by the hashes of their keys: one master is a sample of all. */
function oneNode(redis: RedisClient): Redis {
  const node = redis instanceof Cluster ? redis.nodes('master')[0] : redis;
  if (node === undefined) throw new Error('the Redis cluster has no master');
  return node;
}

/** SCAN goes by the hashes of the keys, so that the first it meets are as good as drawn by lot. */
async function sampleKeys(node: Redis): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  for (let scans = 0; scans < MOST_SCANS && keys.size < SAMPLE; scans += 1) {
    const [next, page] = await node.scan(cursor, 'MATCH', profile.key('*'), 'COUNT', SCAN_KEYS);
    for (const key of page) keys.add(key);
    cursor = next;
    if (cursor === '0') break;
  }
  return [...keys].slice(0, SAMPLE);
}
