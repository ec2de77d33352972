import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { removedKeys } from '../writing/read-fence.ts';
import { addReads, removeReads, type ReadClock } from './read-counts.ts';

/** Counts the profiles that clients read, so that the warm can choose the hot ones. */
export interface ReadCounter {
  /** Counts in memory: it does not wait and never throws. */
  readonly count: (id: string) => void;
  /** Writes the counts that are left to Redis; call it after the last read. */
  readonly close: () => Promise<void>;
}

export interface ReadCounterOptions {
  /** Time between two writes. */
  readonly flushMs?: number;
  /** Different ids that are counted between two writes. */
  readonly maxIds?: number;
  /** The clock of Redis by default. */
  readonly clock?: ReadClock | undefined;
}

/** Short enough that a process that dies loses little, long enough that the writes are few compared with the reads. */
const FLUSH_MS = 5_000;
/** Counting goes on while the time is asked. Microseconds. */
const MARGIN_MICROS = 10_000_000;
/** About 1 MB. Further ids are not counted until the next write; an id that is read often is soon read again. */
const MAX_IDS = 10_000;

/**
 * Counts reads of profiles in this process, and adds the counts to Redis from time to time.
 * @param onProblem called when a write fails; not again until one has succeeded. The counts of a failed write are lost
 */
export function createReadCounter(
  redis: RedisClient,
  onProblem: (error: unknown) => void,
  { flushMs = FLUSH_MS, maxIds = MAX_IDS, clock }: ReadCounterOptions = {},
): ReadCounter {
  let counts = new Map<string, number>();
  let flushing: Promise<void> | undefined;
  let failing = false;

  /** When the counts that are not written yet began, on the clock of Redis. */
  let countedSince = 0;

  /** The profiles that were erased since a time of Redis: their ids must not come back. */
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
        // An erasure that ran during the write may have looked for the id before it was added.
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
