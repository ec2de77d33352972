import { ApplicationFailure, Context } from '@temporalio/activity';
import { writePartMetadata } from '../../cache/writing/part-metadata.ts';
import { writeEntries, type WriteTotals, type WrittenTotals } from '../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import type { UnreadableColumn } from '../../clients/lakehouse/silver-source.ts';
import { readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { isUnchanged, isUnreadableDue } from '../../domain/warming/is-unchanged.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { entryBytes, type CacheEntry } from '../../domain/schema/entry.ts';
import type { SilverColumnName } from '../../domain/schema/silver-tables.ts';
import { tablesOfPart, type WarmPart } from '../../domain/warming/warm-parts.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmOptions, WarmTrigger } from '../../domain/warming/warm-options.ts';
import type { WarmScope } from '../../domain/warming/warm-scope.ts';
import { areKnown, hadVersions, type TableVersions } from '../../domain/warming/table-version.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { keepRefused, type RefusedRenewal } from './keep-refused.ts';
import { translateSchemaError } from './source-schema-mismatch.ts';
import { translateProgramError } from './translate-program-error.ts';
import { translateRedisError } from './translate-redis-error.ts';
import { translateTrinoError } from './translate-trino-error.ts';

/** Input of every activity that warms a part. */
export interface WarmPartArgs extends WarmOptions {
  readonly trigger: WarmTrigger;
  /** Workflow run of the first request, for cache:metadata. */
  readonly runId: string;
  /** Warm only this share of the part. */
  readonly scope?: WarmScope | undefined;
}

export interface PartWarmDeps {
  readonly redis: RedisClient;
  readonly lakehouse: Lakehouse;
  /** A table is read only when its newest file is at least this old (s). A younger file may belong to a load that is still running. */
  readonly settleSeconds: number;
  readonly renewal: RefusedRenewal;
}

/** The versions and the time at the start of a read. */
export interface ReadStart {
  readonly versions: TableVersions;
  /** The time of Redis in microseconds. Values that a reader cached later have these versions or newer ones. */
  readonly readAt: number;
}

/** Counters of a warm activity. Heartbeats show them. */
interface WarmCounts {
  rowsRead: number;
  keys: number;
  bytes: number;
  renewed: number;
  removed: number;
  cached: number;
  rejected: number;
}

const MAX_REJECTED_EXAMPLES = 5;
const NO_WRITES = { replaced: 0, renewed: 0, repeated: 0 };

/** One activity's share of the warm of a part: counts what it reads and writes, and builds the report. */
export class PartWarm {
  readonly #startedMs = performance.now();
  readonly #rejectedExamples: string[] = [];
  /** What is said of each column that could not be read, by `table.column`. */
  readonly #unreadable = new Map<string, string>();
  /** Cells that are cached as unknown, because they break the contract. */
  readonly #invalid = { cells: 0, example: '' };
  readonly #lakehouse: Lakehouse;
  readonly #renewal: RefusedRenewal;
  readonly settleMs: number;
  readonly redis: RedisClient;
  readonly counts: WarmCounts = {
    rowsRead: 0,
    keys: 0,
    bytes: 0,
    renewed: 0,
    removed: 0,
    cached: 0,
    rejected: 0,
  };
  /** Work that was skipped, with the reason. */
  readonly skipped: string[] = [];
  readonly warnings: string[] = [];

  constructor(
    { redis, lakehouse, settleSeconds, renewal }: PartWarmDeps,
    readonly part: WarmPart,
    /** `report` is the report of earlier activities of this warm. */
    readonly args: WarmPartArgs & { readonly report?: PartReport },
  ) {
    this.redis = redis;
    this.#lakehouse = lakehouse;
    this.#renewal = renewal;
    this.settleMs = settleSeconds * 1000;
  }

  /**
   * Options for lakehouse reads. Reads end with the activity; rejected rows and invalid cells are counted; unreadable columns become
   * warnings.
   */
  readonly reading = {
    signal: Context.current().cancellationSignal,
    onRejected: (reason: string) => {
      this.counts.rejected += 1;
      if (this.#rejectedExamples.length < MAX_REJECTED_EXAMPLES) this.#rejectedExamples.push(reason);
    },
    onInvalid: (reason: string) => {
      this.#invalid.cells += 1;
      this.#invalid.example ||= reason;
    },
    onUnreadable: ({ table, column, reason }: UnreadableColumn) => {
      const name = `${table}.${column}`;
      this.#unreadable.set(name, `${name} cannot be read, and is cached as unknown: ${reason}`);
    },
  };

  /** Whether this warm cached a column as unknown, because Trino cannot read it. */
  get hasUnreadable(): boolean {
    return this.#unreadable.size > 0 || (this.args.report?.unreadableColumns ?? 0) > 0;
  }

  /** Whether this warm could not read one of these columns. */
  lacksAnyOf(columns: readonly SilverColumnName[]): boolean {
    return columns.some((name) => this.#unreadable.has(name));
  }

  /**
   * Runs the activity's work with heartbeats that carry the counts. If the read is refused, renews the cached keys of the part.
   * @throws RedisFull or RedisReadOnly when Redis refuses a write, SourceUnreadable when Trino refuses a read permanently,
   *   SourceSchemaMismatch when a table breaks the contract, ProgramError for an error of this program
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    return withHeartbeat(
      async () => {
        try {
          return await work();
        } catch (error) {
          const { attempt } = Context.current().info;
          const failure = translateTrinoError(translateProgramError(error));
          const named = this.#withUnreadable(translateSchemaError(failure, attempt));
          throw translateRedisError(await this.#keep(named));
        }
      },
      () => this.counts,
    );
  }

  /** Adds the unreadable columns to a permanent failure: they may be its cause. */
  #withUnreadable(failure: unknown): unknown {
    if (this.#unreadable.size === 0 || !(failure instanceof ApplicationFailure)) return failure;
    const { message, type, nonRetryable, details, cause } = failure;
    const columns = [...this.#unreadable.values()].join('; ');
    return new ApplicationFailure(`${message} ${columns}.`, type, nonRetryable, details, cause);
  }

  /** A scoped warm renews nothing; the next full warm does. */
  async #keep(failure: unknown): Promise<unknown> {
    if (this.args.dryRun || this.args.scope !== undefined) return failure;
    return keepRefused(failure, this.redis, this.part, this.#renewal).catch((error: unknown) => error);
  }

  /** Options for reads of these versions. */
  readingAt = (versions: TableVersions | undefined): ReadOptions => ({ ...this.reading, versions });

  /** The current version of each table that the part reads, and when a read of them begins. */
  readVersions = async (): Promise<ReadStart> => {
    const before = await readRedisTime(this.redis);
    const versions = await this.#lakehouse.tableVersions(tablesOfPart[this.part], this.reading.signal);
    return {
      versions,
      readAt: hadVersions(versions, before / 1000) ? before : await readRedisTime(this.redis),
    };
  };

  /** Whether rows that a read of these versions did not find may be removed. If not, the report says so. */
  mayRemove(versions: TableVersions): boolean {
    if (areKnown(versions)) return true;
    const note =
      'nothing removed: the version of a table is not known, so a load may still be writing the missing rows';
    if (!this.skipped.includes(note)) this.skipped.push(note);
    return false;
  }

  /** Resets the counts of a read that will be repeated, and of the writes of its rows. */
  forgetRead(): void {
    Object.assign(this.counts, { rowsRead: 0, keys: 0, bytes: 0, renewed: 0, removed: 0, rejected: 0 });
    this.#rejectedExamples.length = 0;
    this.#unreadable.clear();
    Object.assign(this.#invalid, { cells: 0, example: '' });
  }

  async countTableRows(versions: TableVersions): Promise<Record<string, number>> {
    const counts = tablesOfPart[this.part].map(
      async (table) => [table, await this.#lakehouse.countRows(table, this.readingAt(versions))] as const,
    );
    return Object.fromEntries(await Promise.all(counts));
  }

  /**
   * Whether it is enough to refresh TTLs: tables and settings have not changed since the last warm, and nothing else requires a read.
   */
  maySkipRead(
    last: PartMetadata | null,
    now: Pick<PartMetadata, 'versions' | 'shape'>,
  ): last is PartMetadata {
    const { force, scope } = this.args;
    if (force || scope !== undefined || last === null) return false;
    return isUnchanged(last, now) && !isUnreadableDue(last, new Date());
  }

  /**
   * Writes small entries, one for each row. Entries of an earlier attempt count as written. A dry run only counts the entries.
   * @returns what this call wrote and renewed
   */
  async write(entries: readonly CacheEntry[]): Promise<WriteTotals> {
    const totals = this.args.dryRun
      ? { ...sizeOf(entries), ...NO_WRITES }
      : await writeEntries(this.redis, entries);
    this.countWritten({ keys: totals.keys + totals.repeated, bytes: totals.bytes });
    this.counts.renewed += totals.renewed;
    return totals;
  }

  countWritten({ keys, bytes }: WrittenTotals): void {
    this.counts.keys += keys;
    this.counts.bytes += bytes;
  }

  /** Reports that the lakehouse was not read, because its tables have not changed since the last warm. */
  skipUnchanged(last: PartMetadata, renewedKeys: number): void {
    this.skipped.push(
      `unchanged since ${last.read_at}: ${last.rows} rows not read, ${renewedKeys} keys ${this.args.dryRun ? 'would be ' : ''}renewed`,
    );
  }

  /** Records in cache:metadata that this run warmed the part at this time, and from which data. */
  writeMetadata(metadata: Omit<PartMetadata, 'warmed_at' | 'run_id' | 'trigger'>, at: Date): Promise<void> {
    const { runId, trigger } = this.args;
    return writePartMetadata(this.redis, this.part, {
      ...metadata,
      ...(this.hasUnreadable && { hasUnreadable: true }),
      warmed_at: at.toISOString(),
      run_id: runId,
      trigger,
    });
  }

  report(): PartReport {
    const { cells, example } = this.#invalid;
    const invalid = cells === 0 ? [] : [`${cells} values are cached as unknown, e.g. ${example}`];
    return {
      part: this.part,
      ...this.counts,
      durationMs: Math.round(performance.now() - this.#startedMs),
      rejectedExamples: this.#rejectedExamples,
      unreadableColumns: this.#unreadable.size,
      skipped: this.skipped,
      warnings: [...this.warnings, ...this.#unreadable.values(), ...invalid],
    };
  }
}

/** The rows may hold a value that an operator removed since they were read. The retry of the activity reads them again. */
export const removedMeanwhile = (part: WarmPart): Error =>
  new Error(`An operator removed values from the cache while ${part} was read`);

/** The report that a write of these entries would give. */
export const sizeOf = (entries: readonly CacheEntry[]): WrittenTotals => ({
  keys: entries.length,
  bytes: entries.reduce((sum, entry) => sum + entryBytes(entry), 0),
});
