import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { TableChangedError } from '../../clients/lakehouse/table-changed.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import {
  changedTables,
  hasLostFiles,
  msUntilSettled,
  mutableTables,
  versionTexts,
  type SeenVersions,
  type TableVersions,
} from '../../domain/warming/table-version.ts';
import type { PartWarm, ReadStart } from './part-warm.ts';
import { translateTrinoError } from './translate-trino-error.ts';

/** With the default settle time of 10 s, the waits between these attempts add up to at most a minute. */
const MAX_ATTEMPTS = 6;

interface OneVersion<T> extends ReadStart {
  readonly result: T;
}

type Outcome<T> = { readonly result: T } | { readonly error: unknown };

/**
 * Reads tables at one version each.
 * - Iceberg: reads the snapshot by its id; if it is gone, reads again.
 * - Hive: a load can replace files during a read. The files must have settled before the read and be the same after it; otherwise reads
 *   again, also when `read` has thrown. If files were only deleted, they have settled when a second listing after the settle time is the same.
 * @param first as `readVersions` has just returned it
 * @param last the last warm of the part
 * @param read is called again for each attempt; must not write
 * @throws SourceChanging when the tables do not settle
 */
export async function readOneVersion<T>(
  warm: PartWarm,
  { first, last }: { readonly first: ReadStart; readonly last: PartMetadata | null },
  read: (start: ReadStart) => Promise<T>,
): Promise<OneVersion<T>> {
  let start = first;
  let seen: SeenVersions | null = last && { versions: last.versions, atMs: Date.parse(last.read_at) };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const { versions } = start;
    const waitMs = hasLostFiles(versions, seen)
      ? warm.settleMs
      : Math.min(msUntilSettled(versions, warm.settleMs, Date.now()), warm.settleMs);
    seen = { versions: versionTexts(versions), atMs: Date.now() };
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: warm.reading.signal });
    // after a wait the list of files is stale
    const outcome = waitMs > 0 ? undefined : await outcomeOf(read(start));
    const areFiles = mutableTables(versions).length > 0;
    const now = areFiles || outcome === undefined ? await warm.readVersions() : start;
    if (outcome !== undefined && changedTables(versions, now.versions).length === 0) {
      if ('error' in outcome) throw translateTrinoError(outcome.error, { filesAreSame: areFiles });
      return { ...start, result: outcome.result };
    }
    start = now;
    warm.forgetRead();
  }
  throw sourceChanging(
    Object.keys(start.versions),
    `each of ${MAX_ATTEMPTS} reads, or there are none. The cache keeps what it has.`,
  );
}

/** For `sourceChanging`: a warm of the profiles began again a few times. */
export const EACH_READ = 'each of several reads. Profiles were written, but none was removed.';

/**
 * The tables changed again and again while they were read. The activity is not retried, because the read was.
 * @param outcome the reads during which they changed, and the effect on the cache
 */
export const sourceChanging = (tables: readonly string[], outcome: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `The files of ${tables.join(' and ')} were changed during ${outcome} Warm again when the load is done.`,
    failureTypes.sourceChanging,
  );

/** @returns undefined when a version is gone */
async function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T> | undefined> {
  try {
    return { result: await work };
  } catch (error) {
    return error instanceof TableChangedError ? undefined : { error };
  }
}

/**
 * Reads versions that an earlier activity chose. When one is gone, a retry cannot succeed: the workflow must plan again.
 * @throws SourceChanging instead of TableChangedError
 */
export async function readPlannedVersion<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TableChangedError)
      throw sourceChanging(
        error.tables,
        'a read of the profiles. Profiles were written, but none was removed.',
      );
    throw error;
  }
}

/** @throws TableChangedError when files of these versions have changed since */
export async function assertUnchanged(warm: PartWarm, versions: TableVersions): Promise<void> {
  if (mutableTables(versions).length === 0) return;
  const changed = changedTables(versions, (await warm.readVersions()).versions);
  if (changed.length > 0) throw new TableChangedError(changed);
}
