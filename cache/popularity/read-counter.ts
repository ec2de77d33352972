import type { RedisClient } from '../../clients/redis.ts';
import { addReads } from './read-counts.ts';

/** Counts what clients read, for the warm to know what is hot. */
export interface ReadCounter {
  /** Takes no time and never fails. */
  readonly count: (id: string) => void;
  /** Writes what is counted so far; call it when nothing is read any more. */
  readonly close: () => Promise<void>;
}

/** Often enough that a process that dies loses little, seldom enough to be nothing beside the reads themselves. */
const FLUSH_MS = 5_000;
/** Different ids between two flushes, about 1 MB; further ones are left out, since what is read once more comes up again. */
const MOST_IDS = 10_000;

/**
 * Counts reads of profiles in this process, and adds them to Redis now and then.
 * @param onProblem told when counts begin to be dropped, not at every flush
 */
export function createReadCounter(
  redis: RedisClient,
  onProblem: (error: unknown) => void,
  { flushMs = FLUSH_MS, mostIds = MOST_IDS } = {},
): ReadCounter {
  let counts = new Map<string, number>();
  let flushing: Promise<void> | undefined;
  let failing = false;

  async function write(): Promise<void> {
    const reads = counts;
    counts = new Map();
    try {
      await addReads(redis, reads);
      failing = false;
    } catch (error) {
      if (!failing) onProblem(error);
      failing = true;
    }
  }

  /** One at a time: a slow Redis gets fewer and larger ones. */
  const flush = () => {
    if (counts.size === 0) return;
    flushing ??= write().finally(() => {
      flushing = undefined;
    });
  };
  const timer = setInterval(flush, flushMs);
  timer.unref();

  return {
    count(id) {
      const known = counts.get(id);
      if (known !== undefined) counts.set(id, known + 1);
      else if (counts.size < mostIds) counts.set(id, 1);
      if (counts.size >= mostIds) flush();
    },
    async close() {
      clearInterval(timer);
      await flushing;
      flush();
      await flushing;
    },
  };
}
