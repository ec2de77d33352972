import { cachedAtOf } from '../../clients/redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { deleteIds, readIds } from './read-ids.ts';
import { writeProfiles } from './write-profiles.ts';

/** Warms kol:profile of the ids in the scope (from an ETL load), and removes those that the lakehouse no longer has. */
export function createWarmProfileIds(deps: PartWarmDeps & { readonly maxShrinkPercent: number }) {
  const { lakehouse } = deps;
  return function warmProfileIds(args: WarmPartArgs): Promise<PartReport> {
    const warm = new PartWarm(deps, 'profiles', args);
    return warm.run(async () => {
      const found = await readIds(warm, deps, profile, (ids, reading) =>
        lakehouse.profilesById(ids, reading),
      );
      await writeProfiles(warm, found.rows, cachedAtOf(found.readAt));
      await deleteIds(warm, profile, found);
      if (!args.dryRun) warm.counts.cached = found.rows.length;
      return warm.report();
    });
  };
}
