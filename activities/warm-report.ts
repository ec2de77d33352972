import { Context } from '@temporalio/activity';
import { replaceSet, writeEntries, type Written } from '../cache/write-entries.ts';
import type { RedisClient } from '../clients/redis.ts';
import { entryBytes, entrySize, type CacheEntry } from '../domain/entities/entry.ts';
import { cacheMetadata, type PartMetadata } from '../domain/entities/metadata.ts';
import type { PartReport, WarmOptions, WarmPart, WarmTrigger } from '../domain/warming.ts';

/** Input of every warm activity. */
export interface WarmPartArgs extends WarmOptions {
  readonly trigger: WarmTrigger;
  /** Workflow run that asked first, for cache:metadata. */
  readonly runId: string;
}

const EXAMPLES = 5;

/** Collects what a warm activity reads and writes; a dry run counts and leaves Redis alone. */
export class PartWarm {
  readonly #started = performance.now();
  readonly #rejectedExamples: string[] = [];
  readonly #skipped: string[] = [];
  #written: Written = { keys: 0, bytes: 0 };
  #rejected = 0;
  rowsRead = 0;

  constructor(
    private readonly redis: RedisClient,
    private readonly part: WarmPart,
    private readonly args: WarmPartArgs,
  ) {}

  /** Read options of the lakehouse: counts rejected rows, ends with the activity. */
  readonly reading = {
    signal: Context.current().cancellationSignal,
    onRejected: (reason: string) => {
      this.#rejected += 1;
      if (this.#rejectedExamples.length < EXAMPLES) this.#rejectedExamples.push(reason);
    },
  };

  /** Small entries, one a row. */
  async write(entries: readonly CacheEntry[]): Promise<void> {
    this.#add(this.args.dryRun ? sizeOf(entries) : await writeEntries(this.redis, entries));
  }

  /** A set that readers see old or new, never between; one that would be empty leaves what is cached. */
  async replace(entry: CacheEntry): Promise<void> {
    if (entrySize(entry) === 0)
      this.#skipped.push(`${entry.key}: nothing to put there, what is cached stays`);
    else this.#add(this.args.dryRun ? sizeOf([entry]) : await replaceSet(this.redis, entry));
  }

  /** Progress for heartbeats. */
  progress(): { rowsRead: number; keys: number } {
    return { rowsRead: this.rowsRead, keys: this.#written.keys };
  }

  /** Notes the warm in cache:metadata and returns its report. */
  async finish(now: Date): Promise<PartReport> {
    if (!this.args.dryRun) {
      const metadata: PartMetadata = {
        warmed_at: now.toISOString(),
        run_id: this.args.runId,
        trigger: this.args.trigger,
        keys: this.#written.keys,
      };
      const replies = await this.redis
        .multi()
        .hset(cacheMetadata.key, this.part, JSON.stringify(metadata))
        .expire(cacheMetadata.key, cacheMetadata.ttlSeconds)
        .exec();
      for (const [error] of replies ?? []) if (error) throw error;
    }
    return {
      part: this.part,
      rowsRead: this.rowsRead,
      ...this.#written,
      durationMs: Math.round(performance.now() - this.#started),
      rejected: this.#rejected,
      rejectedExamples: this.#rejectedExamples,
      skipped: this.#skipped,
    };
  }

  #add({ keys, bytes }: Written): void {
    this.#written = { keys: this.#written.keys + keys, bytes: this.#written.bytes + bytes };
  }
}

const sizeOf = (entries: readonly CacheEntry[]): Written => ({
  keys: entries.length,
  bytes: entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
});
