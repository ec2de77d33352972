import { profile } from '../../domain/entities/profile.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { deleteRemovedIds } from './delete-removed-rows.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { writeProfilesById } from './write-profiles.ts';

/** Warms kol:profile of the ids in the scope, as an ETL load names them, and removes those that left the lakehouse. */
export function createWarmProfileIds(deps: PartWarmDeps) {
  const { lakehouse } = deps;
  return function warmProfileIds(args: WarmPartArgs): Promise<PartReport> {
    const ids = args.scope?.ids ?? [];
    const warm = new PartWarm(deps, 'profiles', args);
    return warm.run(async () => {
      await writeProfilesById(warm, lakehouse, ids, new Date().toISOString());
      await deleteRemovedIds(warm, lakehouse, profile, ids);
      return warm.report();
    });
  };
}
