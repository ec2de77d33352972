import { ApplicationFailure, Context } from '@temporalio/activity';
import { writePartMetadata } from '../../cache/writing/part-metadata.ts';
import { writeEntries, type Written } from '../../cache/writing/write-entries.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { entryBytes, type CacheEntry } from '../../domain/schema/entry.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { PartReport, WarmOptions, WarmPart, WarmScope, WarmTrigger } from '../../domain/warming/warm-parts.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { translateRedisError } from './translate-redis-error.ts';

/** Input of every warm activity. */
export interface WarmPartArgs extends WarmOptions {
  readonly trigger: WarmTrigger;
  /** Workflow run that asked first, for cache:metadata. */
  readonly runId: string;
  /** Only this share of the part. */
  readonly scope?: WarmScope | undefined;
}

/** Failure type of a read that gave nothing: retrying will not help, and what is cached stays. */
export const EMPTY_READ = 'EmptyRead';
/** Failure type of a read that is much smaller than the last one. */
export const IMPLAUSIBLY_SHRUNK = 'ImplausiblyShrunk';

const EXAMPLES = 5;

/** What a warm activity counts while it works: heartbeats carry it, so that a retry goes on counting. */
export interface WarmCounts {
  rowsRead: number;
  keys: number;
  bytes: number;
  renewed: number;
  removed: number;
  rejected: number;
}

/** Collects what a warm activity reads and writes; a dry run counts and leaves Redis alone. */
export class PartWarm {
  readonly #started = performance.now();
  readonly #rejectedExamples: string[] = [];
  readonly skipped: string[] = [];
  readonly warnings: string[] = [];
  readonly counts: WarmCounts;

  constructor(
    readonly redis: RedisClient,
    readonly part: WarmPart,
    readonly args: WarmPartArgs,
    counts: WarmCounts = { rowsRead: 0, keys: 0, bytes: 0, renewed: 0, removed: 0, rejected: 0 },
  ) {
    this.counts = { ...counts };
  }

  /** Read options of the lakehouse: counts rejected rows, ends with the activity. */
  readonly reading = {
    signal: Context.current().cancellationSignal,
    onRejected: (reason: string) => {
      this.counts.rejected += 1;
      if (this.#rejectedExamples.length < EXAMPLES) this.#rejectedExamples.push(reason);
    },
  };

  /** Small entries, one a row. */
  async write(entries: readonly CacheEntry[]): Promise<void> {
    this.add(this.args.dryRun ? sizeOf(entries) : await writeEntries(this.redis, entries));
  }

  add({ keys, bytes }: Written): void {
    this.counts.keys += keys;
    this.counts.bytes += bytes;
  }

  /** @throws EmptyRead when the lakehouse gave nothing */
  refuseEmpty(): void {
    if (this.counts.rowsRead > 0) return;
    throw ApplicationFailure.nonRetryable(
      `The lakehouse gave no rows for ${this.part}; what is cached stays. Check the Silver tables, then warm again.`,
      EMPTY_READ,
    );
  }

  /** Notes that this run warmed the part at that time, and from what. */
  note(metadata: Omit<PartMetadata, 'warmed_at' | 'run_id' | 'trigger'>, at: Date): Promise<void> {
    const { runId, trigger } = this.args;
    const by = { warmed_at: at.toISOString(), run_id: runId, trigger };
    return writePartMetadata(this.redis, this.part, { ...metadata, ...by });
  }

  report(): PartReport {
    return {
      part: this.part,
      ...this.counts,
      durationMs: Math.round(performance.now() - this.#started),
      rejectedExamples: this.#rejectedExamples,
      skipped: this.skipped,
      warnings: this.warnings,
    };
  }
}

export const sizeOf = (entries: readonly CacheEntry[]): Written => ({
  keys: entries.length,
  bytes: entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
});

/** Runs a warm activity under heartbeats that carry its progress; what Redis refuses becomes a clear failure. */
export async function runPartWarm(
  warm: PartWarm,
  work: () => Promise<void>,
  progress: () => unknown = () => warm.counts,
): Promise<PartReport> {
  return withHeartbeat(async () => {
    try {
      await work();
    } catch (error) {
      throw translateRedisError(error);
    }
    return warm.report();
  }, progress);
}
