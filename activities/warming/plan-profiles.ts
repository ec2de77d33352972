import { measureRoom, selectHotProfiles } from '../../cache/popularity/select-hot-profiles.ts';
import { readMemoryInfo } from '../../cache/redis/memory-info.ts';
import { readCachedFiles } from '../../cache/writing/cached-files.ts';
import { readPartMetadata, writePartMetadata } from '../../cache/writing/part-metadata.ts';
import { TableChangedError } from '../../clients/lakehouse/table-changed.ts';
import { cachedAtOf } from '../../clients/redis.ts';
import { ALL_PROFILES, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import { isUnreadableDue } from '../../domain/warming/is-unchanged.ts';
import { profileSplits, type ProfileSplit } from '../../domain/warming/profile-splits.ts';
import { versionTexts, type TableVersions } from '../../domain/warming/table-version.ts';
import { memoryWarnings } from '../../domain/warming/redis-memory.ts';
import { writeRate } from '../../domain/warming/write-rate.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { EACH_READ, readOneVersion, sourceChanging } from './read-one-version.ts';
import { SPLIT_SECONDS, type ProfileOptions } from './profile-options.ts';
import { refreshUnchangedProfiles } from './refresh-unchanged-profiles.ts';
import { refuseShrunkenTables } from './refuse-shrinkage.ts';
import { warmChangedFiles } from './warm-changed-files.ts';

/** How the profiles are to be read. Small enough for the workflow history. */
export interface ProfilePlan extends ProfileWork {
  /** The `cached_at` of everything that this warm writes, ISO 8601. */
  readonly readAt: string;
  /** What the plan itself did: it may have refreshed TTLs. Without `splits` and `room` the warm is complete. */
  readonly report: PartReport;
  readonly tableRows: Readonly<Record<string, number>>;
  /** The versions of the tables to read. */
  readonly versions: TableVersions;
  readonly shape: string;
}

interface ProfileWork {
  /** Rows that will be read, for progress. */
  readonly total: number;
  /** The splits to read when all profiles are warmed. */
  readonly splits: readonly ProfileSplit[];
  readonly parallelSplits: number;
  /** Whether some ids have several rows. Only the newest is read. */
  readonly idsRepeat: boolean;
  /** The maximum number of hot profiles that `warmHotProfiles` reads. Null when all profiles are read, or none. */
  readonly room: number | null;
  /** Profiles per second that all activities of the warm write together; 0 for no limit. */
  readonly writesPerSecond: number;
}

const MAX_CHANGES = 3;
const NO_WORK: ProfileWork = {
  total: 0,
  splits: [],
  parallelSplits: 1,
  idsRepeat: false,
  room: null,
  writesPerSecond: 0,
};

/**
 * Decides what the warm of the profiles has to do. When nothing changed since the last warm, it refreshes the TTLs itself.
 * @throws ImplausiblyShrunk or EmptyRead when the table lost most of its rows, SourceChanging when a load keeps changing the table
 */
export function createPlanProfiles(
  deps: PartWarmDeps & { readonly maxShrinkPercent: number; readonly profiles: ProfileOptions },
) {
  const { redis, lakehouse, maxShrinkPercent } = deps;

  return function planProfiles(args: WarmPartArgs): Promise<ProfilePlan> {
    const warm = new PartWarm(deps, 'profiles', args);
    return warm.run(() => repeatWhileChanging(warm, () => plan(warm, args)));
  };

  async function select(room: number, now: Date) {
    return { room, ...(await selectHotProfiles(redis, { ...deps.profiles, room }, now)) };
  }

  /** @throws TableChangedError when files change during the plan, or a version is gone */
  async function plan(warm: PartWarm, args: WarmPartArgs): Promise<ProfilePlan> {
    const options = deps.profiles;
    const now = new Date();
    const last = await readPartMetadata(redis, 'profiles');
    const [hot, { versions, readAt, result: tableRows }] = await Promise.all([
      measureRoom(redis, options),
      countRowsAtOneVersion(warm, last),
    ]);
    const rows = tableRows['kol_profiles'] ?? 0;
    const areAllHot = args.allProfiles || hot.room >= rows;
    const total = areAllHot ? rows : Math.min(rows, hot.room);
    const writesPerSecond = rateOf(warm, options.writesPerSecond, total);
    const shape = areAllHot ? ALL_PROFILES : hotShapeOf(options);
    const planOf = (work: ProfileWork): ProfilePlan => ({
      readAt: cachedAtOf(readAt),
      report: warm.report(),
      ...work,
      tableRows,
      versions,
      shape,
    });

    if (
      warm.maySkipRead(last, { versions: versionTexts(versions), shape }) &&
      (await refreshUnchangedProfiles(warm, lakehouse, {
        last,
        versions,
        hot: areAllHot ? 'all' : await select(hot.room, now),
        writesPerSecond,
        readAt: cachedAtOf(readAt),
      }))
    ) {
      if (!args.dryRun) {
        // With hot profiles, the record counts only those that this warm chose: the others have lost their room.
        await warm.writeMetadata(areAllHot ? last : { ...last, keys: warm.counts.cached }, now);
        await readCachedFiles(redis, 'kol_profiles'); // restores its TTL
      }
      return planOf(NO_WORK);
    }

    refuseShrunkenTables(warm, last, tableRows, maxShrinkPercent);
    if (areAllHot && args.scope === undefined) {
      const readsAll = last !== null && isUnreadableDue(last, now);
      const changed = { last: readsAll ? null : last, versions, tableRows, shape, readAt, writesPerSecond };
      if (await warmChangedFiles(warm, lakehouse, changed)) return planOf(NO_WORK);
    }
    await forgetVersions(warm, last, versions);
    const addedBytes = Math.max(0, total - (last?.keys ?? 0)) * hot.bytesPerProfile;
    warm.warnings.push(...memoryWarnings(await readMemoryInfo(redis), addedBytes));
    if (!areAllHot) return planOf({ ...NO_WORK, total, writesPerSecond, room: hot.room });
    const { parallelSplits, rowsPerSplit } = options;
    const splits = profileSplits(rows, Math.min(rowsPerSplit, maxRowsPerSplit(writesPerSecond, options)));
    const idsRepeat = await lakehouse.repeatsIds('kol_profiles', warm.readingAt(versions));
    return planOf({ ...NO_WORK, total, writesPerSecond, splits, parallelSplits, idsRepeat });
  }
}

/** @throws SourceChanging when files changed during each of several plans */
async function repeatWhileChanging<T>(
  warm: PartWarm,
  work: () => Promise<T>,
  changesLeft = MAX_CHANGES,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TableChangedError)) throw error;
    if (changesLeft === 0) throw sourceChanging(error.tables, EACH_READ);
  }
  warm.forgetRead();
  return repeatWhileChanging(warm, work, changesLeft - 1);
}

/**
 * Deletes the recorded versions of the last warm when they are read again. Until that read ends, they must not count as unchanged: some
 * rows are replaced already, and a column may have become unreadable.
 */
async function forgetVersions(
  { redis, args }: PartWarm,
  last: PartMetadata | null,
  versions: TableVersions,
): Promise<void> {
  if (args.dryRun || args.scope !== undefined || last === null) return;
  if (last.versions[profile.table] === versionTexts(versions)[profile.table])
    await writePartMetadata(redis, 'profiles', { ...last, versions: {} });
}

const countRowsAtOneVersion = async (warm: PartWarm, last: PartMetadata | null) =>
  readOneVersion(warm, { first: await warm.readVersions(), last }, ({ versions }) =>
    warm.countTableRows(versions),
  );

/**
 * The settings that decide which profiles are hot. The room is not included: it depends on the mean size of a profile, which always varies
 * a little.
 */
const hotShapeOf = ({ fixedRoom, memoryPercent, perPlatform }: ProfileOptions): string =>
  `hot ${fixedRoom ?? `${memoryPercent} %`}, ${perPlatform}`;

/** The write rate of this warm. A dry run has no limit, because it writes nothing. */
function rateOf(warm: PartWarm, configured: number, profiles: number): number {
  if (warm.args.dryRun) return 0;
  const { ttlSeconds } = profile;
  const rate = writeRate(configured, profiles, ttlSeconds);
  const warning = `WARM_WRITES_PER_SECOND is ${configured}, and profiles expire after ${ttlSeconds} s: to keep ${profiles} of them warm, ${rate} are written in a second`;
  // a repeated plan has added the warning already
  if (rate > configured && !warm.warnings.includes(warning)) warm.warnings.push(warning);
  return rate;
}

/** Rows that one split can write in SPLIT_SECONDS at this rate. */
const maxRowsPerSplit = (writesPerSecond: number, { parallelSplits }: ProfileOptions): number =>
  writesPerSecond === 0 ? Infinity : Math.max(1, (writesPerSecond / parallelSplits) * SPLIT_SECONDS);
