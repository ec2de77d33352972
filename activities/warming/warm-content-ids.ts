import { content } from '../../domain/entities/content.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { deleteRemovedIds } from './delete-removed-rows.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { writeContentDetails } from './write-content-details.ts';

/** Warms content:detail of the ids in the scope, as an ETL load names them, and removes those that left the lakehouse. */
export function createWarmContentIds(deps: PartWarmDeps) {
  const { lakehouse } = deps;
  return function warmContentIds(args: WarmPartArgs): Promise<PartReport> {
    const ids = args.scope?.ids ?? [];
    const warm = new PartWarm(deps, 'trending', args);
    return warm.run(async () => {
      const items = await lakehouse.contentById(ids, warm.reading);
      warm.counts.rowsRead += items.length;
      await writeContentDetails(warm, items, new Date());
      await deleteRemovedIds(warm, lakehouse, content, ids);
      return warm.report();
    });
  };
}
