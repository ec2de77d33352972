import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { removedKeys } from '../writing/read-fence.ts';
import { addReads, removeReads, type ReadClock } from './read-counts.ts';

/** Counts reads of profiles, so that the warm can choose the hot ones. */
export interface ReadCounter {
  /** Counts in memory: it does not wait and never throws. */
  readonly count: (id: string) => void;
  /** Writes the remaining counts to Redis; call it after the last read. */
  readonly close: () => Promise<void>;
}

export interface ReadCounterOptions {
  /** Time between two writes. */
  readonly flushMs?: number;
  /** Maximum number of different ids between two writes. */
  readonly maxIds?: number;
  /** The clock of Redis by default. */
  readonly clock?: ReadClock | undefined;
}

/** Short, so that a killed process loses few counts; long enough that writes are few compared with reads. */
const FLUSH_MS = 5_000;
/** Counting continues while the time is requested from Redis, so subtract this margin (µs). */
const MARGIN_MICROS = 10_000_000;
/** About 1 MB. More ids are not counted until the next write; an id that is read often will be counted then. */
const MAX_IDS = 10_000;

/**
 * Counts reads of profiles in this process, and periodically adds the counts to Redis.
 * @param onProblem called for the first of several failed writes. Counts of a failed write are lost
 */
export function createReadCounter(
  redis: RedisClient,
  onProblem: (error: unknown) => void,
  { flushMs = FLUSH_MS, maxIds = MAX_IDS, clock }: ReadCounterOptions = {},
): ReadCounter {
  let counts = new Map<string, number>();
  let flushing: Promise<void> | undefined;
  let failing = false;

  /** The time of the first unwritten count, on the clock of Redis. */
  let countedSince = 0;

  /** The profiles that were erased since a time of Redis. Their ids must not be written again. */
  async function erasedOf(ids: Iterable<string>, since: number): Promise<string[]> {
    const all = [...ids];
    const erased = await removedKeys(redis, all.map(profile.key), since);
    return all.filter((id) => erased.has(profile.key(id)));
  }

  async function writeCounts(): Promise<void> {
    const reads = counts;
    counts = new Map();
    try {
      const since = countedSince;
      countedSince = (await readRedisTime(redis)) - MARGIN_MICROS;
      for (const id of await erasedOf(reads.keys(), since)) reads.delete(id);
      try {
        await addReads(redis, reads, clock);
      } finally {
        // An erasure during the write may have looked for the id before it was added. Remove such ids.
        await removeReads(redis, await erasedOf(reads.keys(), since));
      }
      failing = false;
    } catch (error) {
      if (!failing) onProblem(error);
      failing = true;
    }
  }

  /** Runs one write at a time: a slow Redis gets fewer and larger writes. */
  const flush = () => {
    if (counts.size === 0) return;
    flushing ??= writeCounts().finally(() => {
      flushing = undefined;
    });
  };
  const timer = setInterval(flush, flushMs);
  timer.unref();

  return {
    count(id) {
      const reads = counts.get(id);
      if (reads !== undefined) counts.set(id, reads + 1);
      else if (counts.size < maxIds) counts.set(id, 1);
      if (counts.size >= maxIds) flush();
    },
    async close() {
      clearInterval(timer);
      await flushing;
      flush();
      await flushing;
    },
  };
}
