import { content } from '../../domain/entities/content.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { deleteRemovedRows } from './delete-removed-rows.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type WarmSetDeps } from './warm-set.ts';
import { writeContentDetails } from './write-content-details.ts';

const HOUR_MS = 3_600_000;

/** Warms content:trending with its heat for each platform, and content:detail of what is trending. */
export function createWarmTrending(deps: WarmSetDeps) {
  const { lakehouse } = deps;
  const trendingPart: SetPart = {
    part: 'trending',
    shape: String(TRENDING_LIMIT),
    // Which content is from the last 24 h changes with the clock.
    maxAgeMs: HOUR_MS,
    async read(warm, now) {
      const byPlatform = await lakehouse.trending(TRENDING_LIMIT, now, undefined, warm.reading);
      return [...byPlatform].flatMap(([platform, items]) => {
        warm.counts.rowsRead += items.length;
        const ids = items.map(({ content_id }) => content_id);
        // Size 0: the number of posts of one day says nothing about a load. The row count of the table does.
        return [
          { entry: trending.toHeatEntry(platform, items), platform, size: 0 },
          { entry: trending.toEntry(platform, ids), platform, size: 0 },
        ];
      });
    },
    // Clients that read the list read its items next.
    async writeCompanions(warm, sets, now) {
      const ids = sets.flatMap(({ entry }) => (entry.type === 'list' ? entry.items : []));
      const items = await lakehouse.contentById([...new Set(ids)], warm.reading);
      await writeContentDetails(warm, items, now);
      if (!warm.args.dryRun && warm.args.scope === undefined)
        await deleteRemovedRows(warm, lakehouse, content, now.toISOString());
      // Only key and TTL are used, so the time of the read does not matter.
      return items.map((item) => content.toEntry(item.content_id, item, ''));
    },
  };

  return function warmTrending(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, trendingPart, args);
  };
}
