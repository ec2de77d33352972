import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import { renewSets, type SetOfRead } from '../../cache/writing/renew-sets.ts';
import { removeSet, replaceSet } from '../../cache/writing/replace-set.ts';
import { knownIds } from '../../domain/entities/known-ids.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import type { SilverColumnName } from '../../domain/schema/silver-tables.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import type { SizeChange } from '../../domain/warming/check-shrinkage.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { PartWarm, removedMeanwhile, sizeOf, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { readOneVersion } from './read-one-version.ts';
import { refuseEmptyRead, refuseShrinkage, refuseShrunkenTables } from './refuse-shrinkage.ts';

/** One set of a part, as read from the lakehouse. */
export interface SetToWrite {
  readonly entry: CacheEntry;
  /** Undefined when the set belongs to no platform. */
  readonly platform?: string;
  /** Number of members for the shrinkage check; 0 excludes the set from the check. */
  readonly size: number;
  /** Time alone changes the size, so only the loss of all members counts as shrinkage. */
  readonly sizeVaries?: boolean;
}

export interface WarmSetDeps extends PartWarmDeps {
  readonly maxShrinkPercent: number;
  /** Added to the TTL of sets (s): their TTL equals the period of the warm, and a warm can be late. */
  readonly graceSeconds: number;
}

/** The versions, row counts and time of a read. */
interface ReadMoment {
  /** Versions of the tables. */
  readonly at: TableVersions;
  /** Rows of each table. */
  readonly tableRows: Readonly<Record<string, number>>;
  /** When the read began: the time of Redis in microseconds. */
  readonly readAt: number;
  /** The time for content that depends on the clock. */
  readonly now: Date;
}

/** A part made of a few sets, each small enough for memory and replaced as a whole. */
export interface SetPart {
  readonly part: WarmPart;
  /** Settings that decide the content in addition to the tables, such as limits. Only compared with the last warm. */
  readonly shape: string;
  /** Sets of unchanged tables are read again after this time (ms), because their content depends on the clock; otherwise Infinity. */
  readonly maxAgeMs: number;
  /**
   * The columns that decide which members the sets have. While one of them is unreadable, the sizes of the sets are not comparable. Ids are
   * not listed: a read without them fails.
   */
  readonly memberColumns: readonly SilverColumnName[];
  /** Reads all sets and adds their rows to `warm.counts.rowsRead`. */
  readonly read: (warm: PartWarm, moment: ReadMoment) => Promise<SetToWrite[]>;
  /** Other work of each warm, independent of the sets. It must not fail because of the lakehouse. */
  readonly beside?: (warm: PartWarm) => Promise<void>;
  /** Writes single keys that belong to the sets, once the sets are in place. @returns keys to refresh together with the sets */
  readonly writeCompanions?: (
    warm: PartWarm,
    sets: readonly SetToWrite[],
    moment: ReadMoment,
  ) => Promise<readonly CacheEntry[]>;
}

/**
 * Warms a part made of sets. When nothing changed since the last warm, it only refreshes TTLs. Otherwise it reads and checks all
 * sets before it replaces the first one, so that a broken read changes nothing in the cache.
 * @throws EmptyRead or ImplausiblyShrunk
 */
export function warmSets(deps: WarmSetDeps, setPart: SetPart, args: WarmPartArgs): Promise<PartReport> {
  const { redis, maxShrinkPercent, graceSeconds } = deps;
  const { part } = setPart;
  // `withoutGrace` cuts the grace off, so it must be last
  const shape = `${setPart.shape},${graceSeconds}`;
  const warm = new PartWarm(deps, part, args);
  return warm.run(async () => {
    // In parallel, so that they share the queries for versions. Wait for both: the next run must not write at the same time.
    const ended = await Promise.allSettled([renewOrReplace(), setPart.beside?.(warm)]);
    for (const work of ended) if (work.status === 'rejected') throw work.reason;
    return warm.report();
  });

  async function renewOrReplace(): Promise<void> {
    const now = new Date();
    const last = await readPartMetadata(redis, part);
    const current = await warm.readVersions();
    const settings = { shape, versions: versionTexts(current.versions) };
    if (warm.maySkipRead(last, settings) && (await refreshSets(warm, setPart, last, now))) return;

    const { versions, readAt, result } = await readOneVersion(
      warm,
      { first: current, last },
      async (start) => {
        const at = start.versions;
        const tableRows = await warm.countTableRows(at);
        refuseShrunkenTables(warm, last, tableRows, maxShrinkPercent);
        const { sets, emptied } = await readSets(warm, setPart, last, {
          at,
          tableRows,
          readAt: start.readAt,
          now,
        });
        // Sizes are comparable only with the same limits and without unreadable columns that decide the members.
        const isComparable = !warm.lacksAnyOf(setPart.memberColumns);
        if (last !== null && withoutGrace(last.shape) === setPart.shape && isComparable)
          refuseShrinkage(warm, setSizeChanges(last, sets, emptied), maxShrinkPercent);
        return { tableRows, sets: sets.map((set) => withGrace(set, graceSeconds)), emptied };
      },
    );
    const { tableRows, sets } = result;
    const emptied = removableSets(warm, setPart, result.emptied, versions);

    await replaceSets(warm, sets, readAt);
    const moment = { at: versions, tableRows, readAt, now };
    const companions = (await setPart.writeCompanions?.(warm, sets, moment)) ?? [];
    if (args.dryRun) return;
    for (const key of emptied) warm.counts.removed += await removeSet(redis, key, readAt);
    await refreshWritten(warm, [...sets.map(({ entry }) => entry), ...companions]);
    warm.counts.cached = sets.length + companions.length;
    // a scoped warm does not refresh the other platforms, so the part does not count as warmed
    if (args.scope !== undefined) return;
    const { keys, rowsRead: rows } = warm.counts;
    const source = { read_at: now.toISOString(), rows, tableRows, versions: versionTexts(versions), shape };
    await warm.writeMetadata({ ...source, keys, sets: metadataOf(sets, companions, readAt) }, now);
  }
}

/**
 * Refreshes the TTLs of the part.
 * @returns false when the part must be read: a key is missing, another read wrote a set, or the last read is too old
 */
async function refreshSets(
  warm: PartWarm,
  { maxAgeMs }: SetPart,
  last: PartMetadata,
  now: Date,
): Promise<boolean> {
  if (now.getTime() - Date.parse(last.read_at) > maxAgeMs) return false;
  const keys = Object.entries(last.sets).map(([key, { type, ttlSeconds, readAt }]) => ({
    key,
    type,
    ttlSeconds,
    readAt,
  }));
  if (!warm.args.dryRun) {
    const sets = keys.filter((key): key is SetOfRead => key.readAt !== undefined);
    const companions = keys.filter(({ readAt }) => readAt === undefined);
    if (!(await renewSets(warm.redis, sets))) return false;
    if ((await refreshTtls(warm.redis, companions)) < companions.length) return false;
    warm.counts.renewed = keys.length;
    warm.counts.cached = keys.length;
    await warm.writeMetadata(last, now);
  }
  warm.skipUnchanged(last, keys.length);
  return true;
}

/** @returns the sets in the scope, and the keys of sets that have no rows any more */
async function readSets(
  warm: PartWarm,
  { part, read, memberColumns }: SetPart,
  last: PartMetadata | null,
  moment: ReadMoment,
): Promise<{ sets: SetToWrite[]; emptied: string[] }> {
  const all = (await read(warm, moment)).filter(({ entry }) => entrySize(entry) > 0);
  // rows with an unreadable member column may give no set at all
  if (!warm.lacksAnyOf(memberColumns)) refuseEmptyRead(part, warm.counts.rowsRead);
  const sets = all.filter(({ platform }) => isInScope(warm.args, platform));
  // sets outside the scope are not part of this warm
  return { sets, emptied: warm.args.scope === undefined ? emptiedSets(last, all) : [] };
}

/**
 * The emptied sets that may be removed. While a version is unknown or a column that decides the members is unreadable, rows may only be
 * missing for a moment, so such sets expire instead. A known-ids filter is always removed: it holds the ids of a version that is no longer
 * current.
 */
function removableSets(
  warm: PartWarm,
  { memberColumns }: SetPart,
  emptied: readonly string[],
  at: TableVersions,
): readonly string[] {
  const isFilter = (key: string) => key.startsWith(knownIds.key(''));
  const left = emptied.filter((key) => !isFilter(key));
  if (left.length === 0) return emptied;
  if (warm.lacksAnyOf(memberColumns))
    warm.skipped.push(
      `${left.length} sets left to expire, such as ${left[0]}: they cannot be computed while a column cannot be read`,
    );
  else if (warm.mayRemove(at)) return emptied;
  return emptied.filter(isFilter);
}

const withGrace = (set: SetToWrite, graceSeconds: number): SetToWrite => ({
  ...set,
  entry: { ...set.entry, ttlSeconds: set.entry.ttlSeconds + graceSeconds },
});

/** @throws when an operator removed values since the read. The retry of the activity reads them again */
async function replaceSets(warm: PartWarm, sets: readonly SetToWrite[], readAt: number): Promise<void> {
  for (const { entry } of sets) {
    const written = warm.args.dryRun ? sizeOf([entry]) : await replaceSet(warm.redis, entry, readAt);
    if ('refused' in written) {
      if (written.refused === 'removed') throw removedMeanwhile(warm.part);
      warm.skipped.push(`${entry.key} not replaced: it is from a later read`);
    } else warm.countWritten(written);
  }
}

/**
 * Refreshes all TTLs at the end, which also proves that every key is still there: a restart or failover of Redis can lose the
 * first sets while the last ones are written.
 * @throws when a key is missing; the retry of the activity writes all sets again
 */
async function refreshWritten(warm: PartWarm, entries: readonly CacheEntry[]): Promise<void> {
  if ((await refreshTtls(warm.redis, entries)) < entries.length)
    throw new Error(`Redis lost keys of ${warm.part} while this warm was writing them`);
}

const metadataOf = (
  sets: readonly SetToWrite[],
  companions: readonly CacheEntry[],
  readAt: number,
): PartMetadata['sets'] => ({
  ...Object.fromEntries(
    sets.map(
      ({ entry: { key, type, ttlSeconds }, size }) => [key, { size, ttlSeconds, type, readAt }] as const,
    ),
  ),
  ...Object.fromEntries(
    companions.map(({ key, ttlSeconds }) => [key, { size: 0, ttlSeconds, refreshOnly: true }] as const),
  ),
});

const isInScope = ({ scope }: WarmPartArgs, platform: string | undefined): boolean =>
  scope?.platforms === undefined ||
  platform === undefined ||
  platform === ALL ||
  scope.platforms.includes(platform);

/** Keys of sets that the last warm wrote and for which the lakehouse has no rows any more. */
function emptiedSets(last: PartMetadata | null, read: readonly SetToWrite[]): string[] {
  const keys = new Set(read.map(({ entry }) => entry.key));
  return Object.entries(last?.sets ?? {}).flatMap(([key, { refreshOnly }]) =>
    refreshOnly || keys.has(key) ? [] : [key],
  );
}

/** What decides the content of the sets. */
const withoutGrace = (shape: string): string => shape.slice(0, shape.lastIndexOf(','));

function setSizeChanges(
  last: PartMetadata,
  sets: readonly SetToWrite[],
  emptied: readonly string[],
): SizeChange[] {
  const before = (key: string) => last.sets[key]?.size ?? 0;
  return [
    ...sets
      .filter(({ sizeVaries }) => !sizeVaries)
      .map(({ entry: { key }, size }) => ({ what: key, before: before(key), now: size })),
    ...emptied.map((key) => ({ what: key, before: before(key), now: 0 })),
  ];
}
