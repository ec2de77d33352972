import { readCachedField } from '../../cache/redis/scan-entities.ts';
import { readCachedFiles, writeCachedFiles } from '../../cache/writing/cached-files.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { cachedAtOf } from '../../clients/redis.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { createNewestRows, processedMs } from '../../domain/schema/newest-rows.ts';
import { inChunks } from '../../domain/values/lists.ts';
import {
  chooseTableRead,
  maxChangedShare,
  type CachedFiles,
  type FileList,
  type TableRead,
} from '../../domain/warming/changed-files.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { deleteRemovedIds } from './delete-removed-rows.ts';
import type { PartWarm } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import { createRateLimiter, createRenewalLimiter, type RateLimiter } from './rate-limiter.ts';
import { assertUnchanged } from './read-one-version.ts';
import { renewProfiles } from './renew-profiles.ts';
import {
  chunkSizeOf,
  MAX_FILLED,
  PROFILE_CHUNK,
  writeProfiles,
  writeProfilesById,
  writesOf,
} from './write-profiles.ts';

/** A warm of all profiles whose table, or settings, changed since the last warm. */
export interface ChangedProfiles {
  readonly last: PartMetadata | null;
  readonly versions: TableVersions;
  readonly tableRows: Readonly<Record<string, number>>;
  readonly shape: string;
  /** When the read began: the time of Redis in microseconds, before the versions were read. */
  readonly readAt: number;
  readonly writesPerSecond: number;
}

type ReadOfFiles = Extract<TableRead, { kind: 'files' }>;

/**
 * Warms only the rows of files that are new since the last warm, renews all other profiles, and removes those whose files are gone. Where
 * that is not safe, the caller must read all rows; the list of their files is stored for the next warm.
 * @returns whether the profiles are warm
 * @throws TableChangedError when the files change during the read; nothing was removed then
 */
export async function warmChangedFiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  profiles: ChangedProfiles,
): Promise<boolean> {
  const { last, versions } = profiles;
  const { force } = warm.args;
  const cached = await readCachedFiles(warm.redis, profile.table);
  const isNoted = cached !== null && cached.version === versionTexts(versions)[profile.table];
  // a version always has the same files
  const listed =
    force && isNoted ? { list: cached } : await lakehouse.dataFiles(profile, versions, warm.reading);
  const list = 'list' in listed ? listed.list : null;
  let reason = 'unlisted' in listed ? listed.unlisted : null;
  if (list !== null && last !== null && !force) {
    const read = chooseRead(profiles, last, cached, list);
    if (read.kind === 'all' || cached === null) reason = 'reason' in read ? read.reason : null;
    else reason = await warmFiles(warm, lakehouse, { ...profiles, last }, { read, cached, list });
    if (reason === null) return true;
    warm.forgetRead();
  }
  // `finishProfiles` stores later whether ids repeat
  if (!warm.args.dryRun)
    await writeCachedFiles(warm.redis, profile.table, list && { ...list, idsRepeat: false });
  if (reason !== null && last !== null && !force) warm.skipped.push(`all rows read: ${reason}`);
  return false;
}

function chooseRead(
  { versions, tableRows, shape, writesPerSecond }: ChangedProfiles,
  last: PartMetadata,
  cached: CachedFiles | null,
  list: FileList,
): TableRead {
  const { table } = profile;
  const all = (reason: string): TableRead => ({ kind: 'all', reason });
  if (last.shape !== shape) return all('the last warm kept other profiles');
  if (last.versions[table] === versionTexts(versions)[table])
    return all('profiles are missing from the cache, or too many were cached since the last warm');
  const rows = tableRows[table] ?? 0;
  if (rows === 0) return all('the table is empty');
  const known = cached?.version === last.versions[table] ? cached : null;
  return chooseTableRead(known, list, maxChangedShare(rows, writesPerSecond));
}

/** @returns null, or why all rows are to be read */
async function warmFiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  profiles: ChangedProfiles & { readonly last: PartMetadata },
  {
    read,
    cached,
    list,
  }: { readonly read: ReadOfFiles; readonly cached: CachedFiles; readonly list: FileList },
): Promise<string | null> {
  const { last, versions, tableRows, readAt } = profiles;
  const rows = tableRows[profile.table] ?? 0;
  const ids = read.filesAreGone ? await readIds(warm, lakehouse, versions) : null;
  if (ids !== null && ids.size < rows) return 'files are gone, and some ids have several rows';
  const rate = createRateLimiter(profiles.writesPerSecond, warm.reading.signal);
  const { created, repeats, mayRepeat } = await writeRowsOfFiles(
    warm,
    lakehouse,
    { ...profiles, rate },
    read,
  );
  // An older row of a rejected row's KOL may be cached under an unknown id. A read of all rows does not renew it, so it expires.
  const rejected = () => (warm.counts.rejected > 0 ? `${warm.counts.rejected} rows were rejected` : null);
  if (rejected() !== null) return rejected();

  const now = cachedAtOf(readAt);
  const times = { oldest: last.oldest_read_at ?? last.read_at, last: last.read_at, now };
  const renewals = createRenewalLimiter(profiles.writesPerSecond, last.keys, warm.reading.signal);
  const others = await renewProfiles(warm, times, ids, renewals);
  const missing = last.keys + created - others.cached;
  if (missing > 0) return `${missing} profiles are missing from the cache`;
  if (others.filled.length > MAX_FILLED)
    return `${others.filled.length} profiles were cached since the last warm`;
  await writeProfilesById(warm, lakehouse, others.filled, { readAt: now, versions, rate });
  if (rejected() !== null) return rejected();
  await assertUnchanged(warm, versions);
  await removeProfiles(warm, others.gone, readAt);
  const removedBefore = warm.counts.removed;
  await deleteRemovedIds(warm, lakehouse, profile, { ids: others.filled, versions });
  const keys = others.cached - others.gone.length - (warm.counts.removed - removedBefore);

  const idsRepeat =
    ids === null &&
    (cached.idsRepeat ||
      repeats ||
      (mayRepeat && (await lakehouse.countIds(profile, warm.readingAt(versions))) < rows));
  // Rows without an id are still in the table, unless all ids have just been read.
  const withoutId = ids === null ? (last.tableRows[profile.table] ?? 0) - last.rows : 0;
  // In the count above, a new profile that a reader had cached hides a missing one. Count again.
  const lost = idsRepeat || warm.args.dryRun ? 0 : rows - withoutId - keys;
  if (lost > 0) return `${lost} profiles are missing from the cache`;
  warm.skipped.push(
    `${read.paths.length} of ${list.files.length} files are new: ${rows - warm.counts.rowsRead} of ${rows} rows not read`,
  );
  if (warm.args.dryRun) return null;
  warm.counts.cached = keys;
  await writeCachedFiles(warm.redis, profile.table, warm.hasUnreadable ? null : { ...list, idsRepeat });
  const source = {
    read_at: now,
    oldest_read_at: times.oldest,
    rows: rows - withoutId,
    tableRows,
    versions: versionTexts(versions),
  };
  await warm.writeMetadata({ ...source, keys, shape: profiles.shape, sets: {} }, new Date());
  return null;
}

async function readIds(warm: PartWarm, lakehouse: Lakehouse, versions: TableVersions): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const page of lakehouse.allIds(profile, warm.readingAt(versions)))
    for (const id of page) ids.add(id);
  return ids;
}

/**
 * Writes the rows of new files. If no file is gone, an id that is already cached also has a row in an old file; the newer row counts.
 * @returns how many keys were created, and whether some ids have several rows. They may have if an equal or newer row was already cached:
 *   by an earlier attempt, by a reader, or from an old file
 */
async function writeRowsOfFiles(
  warm: PartWarm,
  lakehouse: Lakehouse,
  { versions, readAt, rate }: ChangedProfiles & { readonly rate: RateLimiter },
  { paths, filesAreGone }: ReadOfFiles,
): Promise<{ created: number; repeats: boolean; mayRepeat: boolean }> {
  const result = { created: 0, repeats: false, mayRepeat: false };
  if (paths.length === 0) return result;
  const newestOf = createNewestRows(profile.idOf);
  for await (const page of prefetchPages(lakehouse.profilesOfFiles(paths, warm.readingAt(versions)))) {
    const { rows, replacing } = newestOf(page);
    for (const chunk of inChunks(rows, chunkSizeOf(rate))) {
      const due = filesAreGone ? chunk : await withoutOlder(warm, chunk);
      warm.counts.rowsRead += chunk.length - due.length;
      const totals = await writeProfiles(warm, due, cachedAtOf(readAt));
      await rate.wait(writesOf(totals));
      if (!warm.args.dryRun) result.created += totals.keys - totals.replaced;
      result.repeats ||= totals.replaced > 0 || due.length < chunk.length;
      result.mayRepeat ||= totals.keys < due.length;
    }
    warm.counts.rowsRead += page.length - rows.length;
    warm.counts.keys -= replacing;
    result.repeats ||= rows.length < page.length || replacing > 0;
  }
  return result;
}

/** Leaves out rows that are older than the cached ones. The write itself also refuses to replace a row of a later read. */
async function withoutOlder({ redis }: PartWarm, rows: readonly Profile[]): Promise<readonly Profile[]> {
  const ids = rows.map(({ kol_id }) => kol_id);
  const cached = await readCachedField(redis, profile, ids, 'processed_at');
  return rows.filter(
    ({ processed_at }, index) => processedMs(processed_at) >= processedMs(cached[index] ?? null),
  );
}

async function removeProfiles(warm: PartWarm, ids: readonly string[], readAt: number): Promise<void> {
  for (const chunk of inChunks(ids, PROFILE_CHUNK))
    warm.counts.removed += await deleteUnlessStreamed(warm.redis, chunk.map(profile.key), readAt, warm.args);
}
