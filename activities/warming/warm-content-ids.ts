import { content } from '../../domain/entities/content.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { deleteIds, readIds } from './read-ids.ts';
import { writeContentDetails } from './write-content-details.ts';

/** Warms content:detail of the ids in the scope (from an ETL load), and removes those that the lakehouse no longer has. */
export function createWarmContentIds(deps: PartWarmDeps & { readonly maxShrinkPercent: number }) {
  const { lakehouse } = deps;
  return function warmContentIds(args: WarmPartArgs): Promise<PartReport> {
    const warm = new PartWarm(deps, 'trending', args);
    return warm.run(async () => {
      const found = await readIds(warm, deps, content, (ids, reading) => lakehouse.contentById(ids, reading));
      warm.counts.rowsRead += found.rows.length;
      await writeContentDetails(warm, found.rows, found.readAt);
      await deleteIds(warm, content, found);
      if (!args.dryRun) warm.counts.cached = found.rows.length;
      return warm.report();
    });
  };
}
