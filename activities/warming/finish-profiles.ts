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
  /** Whether the workflow reads them again when a load changed the table. If not, the activity fails. */
  readonly mayReadAgain: boolean;
}

export interface FinishProfilesResult {
  readonly report: PartReport;
  /** Profiles that were written and are missing now, after a restart, a failover or an eviction of Redis. */
  readonly lost: number;
  /** Tables that a load changed while the warm read them. In that case nothing is removed. */
  readonly changed?: readonly string[];
}

/**
 * Ends a warm of the profiles: checks what was read, removes profiles that left the lakehouse, counts those that Redis lost, and writes the
 * metadata. If a load changed the table during the read, it stops after the check.
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
      // Far fewer rows than planned mean that a read was cut short. Then nothing may be removed.
      const rows = { what: 'rows read', before: plan.total, now: rowsRead };
      // A KOL with several rows is read once, so fewer rows are expected. A warm of hot profiles does not know it: the check would cost a
      // query each time.
      const mayRepeat = plan.idsRepeat || (!areAllHot && findShrunken([rows], maxShrinkPercent).length > 0);
      const ids = mayRepeat ? await lakehouse.countIds(profile, warm.readingAt(plan.versions)) : Infinity;
      refuseShrinkage(warm, [{ ...rows, before: Math.min(plan.total, ids) }], maxShrinkPercent);

      // A profile of this warm that a reader has cached again since is not lost.
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

      // Some rows have a column that is cached as unknown. Forget the files, so that the next change of the table reads all rows again.
      if (areAllHot && written.unreadableColumns > 0) await writeCachedFiles(warm.redis, profile.table, null);
      warm.counts.cached = present;
      const { readAt: read_at, tableRows, shape } = plan;
      const source = { read_at, rows: rowsRead, tableRows, versions: versionTexts(plan.versions), shape };
      await warm.writeMetadata({ ...source, keys, sets: {} }, new Date());
      return { report: warm.report(), lost };
    }
  };
}
