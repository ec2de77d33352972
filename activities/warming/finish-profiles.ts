import { readCachedFiles, writeCachedFiles } from '../../cache/writing/cached-files.ts';
import { readHotIds } from '../../cache/writing/hot-ids.ts';
import { TableChangedError } from '../../clients/lakehouse/table-changed.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { findShrunken } from '../../domain/warming/check-shrinkage.ts';
import { versionTexts } from '../../domain/warming/table-version.ts';
import { deleteRemovedRows } from './delete-removed-rows.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import type { ProfilePlan } from './plan-profiles.ts';
import { assertUnchanged, EACH_READ, sourceChanging } from './read-one-version.ts';
import { refuseEmptyRead, refuseShrinkage } from './refuse-shrinkage.ts';

export interface FinishProfilesArgs extends WarmPartArgs {
  readonly plan: ProfilePlan;
  /** What the warm read and wrote. */
  readonly report: PartReport;
  /** Whether the workflow reads all profiles again when Redis lost some of them. */
  readonly mayRepeat: boolean;
  /** Whether it reads them again when a load changed the table. Otherwise that is a failure. */
  readonly mayReadAgain: boolean;
}

export interface FinishProfilesResult {
  readonly report: PartReport;
  /** Profiles that were written and are missing now, after a restart, a failover or an eviction of Redis. */
  readonly lost: number;
  /** Tables that a load changed while the warm read them. What was read after the change removed nothing. */
  readonly changed?: readonly string[];
}

/**
 * Ends a warm of the profiles: checks what was read, removes profiles that left the lakehouse, counts those that Redis lost, and
 * writes the metadata. When a load changed the table meanwhile, it stops there.
 * @throws EmptyRead, ImplausiblyShrunk or SourceChanging, before anything is removed
 */
export function createFinishProfiles(deps: PartWarmDeps & { readonly maxShrinkPercent: number }) {
  const { lakehouse, maxShrinkPercent } = deps;

  return function finishProfiles(args: FinishProfilesArgs): Promise<FinishProfilesResult> {
    const { plan, report: written } = args;
    const { rowsRead } = written;
    const warm = new PartWarm(deps, 'profiles', args);
    return warm.run(async () => {
      try {
        await assertUnchanged(warm, plan.versions);
        return await finish();
      } catch (error) {
        if (!(error instanceof TableChangedError)) throw error;
        if (!args.mayReadAgain) throw sourceChanging(error.tables, EACH_READ);
        return { report: warm.report(), lost: 0, changed: error.tables };
      }
    });

    async function noteRepeatedIds(): Promise<void> {
      const files = await readCachedFiles(warm.redis, profile.table);
      if (files !== null) await writeCachedFiles(warm.redis, profile.table, { ...files, idsRepeat: true });
    }

    async function finish(): Promise<FinishProfilesResult> {
      refuseEmptyRead('profiles', rowsRead);
      const areAllHot = plan.room === null;
      // Far fewer rows than there are mean that a read was cut short. Then nothing may be removed.
      const rows = { what: 'rows read', before: plan.total, now: rowsRead };
      // A KOL that the lakehouse has twice was read once. The plan of hot profiles does not look for such: it would take a query each time.
      const mayRepeat = plan.idsRepeat || (!areAllHot && findShrunken([rows], maxShrinkPercent).length > 0);
      const ids = mayRepeat ? await lakehouse.countIds(profile, warm.readingAt(plan.versions)) : Infinity;
      refuseShrinkage(warm, [{ ...rows, before: Math.min(plan.total, ids) }], maxShrinkPercent);

      // A profile of this warm that a reader cached again later is present too.
      const isWarmed = areAllHot ? () => true : await readHotIds(warm.redis);
      const present = await deleteRemovedRows(warm, lakehouse, profile, plan, isWarmed);
      const keys = written.keys + written.renewed;
      if (plan.idsRepeat) await noteRepeatedIds();
      const lost = Math.max(0, keys - present);
      if (lost > 0) {
        if (args.mayRepeat) return { report: warm.report(), lost };
        warm.warnings.push(
          `${lost} of the ${keys} profiles that this warm wrote are missing: Redis evicted them or was restarted`,
        );
      }

      // Forget the files: once the table changes, all rows must be read again, because a column of some was cached as unknown.
      if (areAllHot && (written.unreadableColumns ?? 0) > 0)
        await writeCachedFiles(warm.redis, profile.table, null);
      warm.counts.cached = present;
      const { readAt: read_at, tableRows, shape } = plan;
      const source = { read_at, rows: rowsRead, tableRows, versions: versionTexts(plan.versions), shape };
      await warm.writeMetadata({ ...source, keys, sets: {} }, new Date());
      return { report: warm.report(), lost };
    }
  };
}
