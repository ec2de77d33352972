import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { TableChangedError } from '../../clients/lakehouse/table-changed.ts';
import { cachedAtOf } from '../../clients/redis.ts';
import { content } from '../../domain/entities/content.ts';
import { filteredIds } from '../../domain/entities/known-ids.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import { BLOOM_FORMAT } from '../../domain/values/bloom-filter.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { deleteRemovedRows } from './delete-removed-rows.ts';
import { knownIdsSet } from './known-ids-set.ts';
import type { PartWarm, WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type WarmSetDeps } from './warm-set.ts';
import { writeContentDetails } from './write-content-details.ts';

const HOUR_MS = 3_600_000;

/**
 * Warms content:trending and its heat for each platform, content:detail of trending items, and the known-ids filters of content and of the
 * KOLs that have content.
 */
export function createWarmTrending(deps: WarmSetDeps) {
  const { lakehouse } = deps;
  const { contents, contentOwners } = filteredIds;
  const trendingPart: SetPart = {
    part: 'trending',
    shape: `${TRENDING_LIMIT},${BLOOM_FORMAT}`,
    // which content is from the last 24 h depends on the clock
    maxAgeMs: HOUR_MS,
    memberColumns: ['kol_content.platform', 'kol_content.posted_at'],
    async read(warm, moment) {
      const { at, now, tableRows } = moment;
      const byPlatform = await lakehouse.trending(TRENDING_LIMIT, now, undefined, warm.readingAt(at));
      const sets = [...byPlatform].flatMap(([platform, items]) => {
        warm.counts.rowsRead += items.length;
        const ids = items.map(({ content_id }) => content_id);
        // The number of posts varies from day to day. Only the row count of the table shows a broken load.
        const set = { platform, size: ids.length, sizeVaries: true };
        return [
          { entry: trending.toHeatEntry(platform, items), ...set },
          { entry: trending.toEntry(platform, ids), ...set },
        ];
      });
      const rows = tableRows['kol_content'] ?? 0;
      return [
        ...sets,
        ...(await knownIdsSet(warm, lakehouse, contents, at, rows)),
        ...(await knownIdsSet(warm, lakehouse, contentOwners, at, rows, () =>
          lakehouse.countIds(contentOwners, warm.readingAt(at)),
        )),
      ];
    },
    // Clients that read the list read its items next.
    async writeCompanions(warm, sets, { at, readAt }) {
      const ids = sets.flatMap(({ entry }) => (entry.type === 'list' ? entry.items : []));
      const items = await lakehouse.contentById([...new Set(ids)], warm.readingAt(at));
      await writeContentDetails(warm, items, readAt);
      if (!warm.args.dryRun && warm.args.scope === undefined)
        await deleteRemovedDetails(warm, lakehouse, at, readAt);
      // only key and TTL are used, so `cachedAt` does not matter
      return items.map((item) => content.toEntry(item.content_id, item, ''));
    },
  };

  return function warmTrending(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, trendingPart, args);
  };
}

/** Removes details only if the table did not change during the read. Otherwise the next warm removes them. */
async function deleteRemovedDetails(
  warm: PartWarm,
  lakehouse: Lakehouse,
  at: TableVersions,
  readAt: number,
): Promise<void> {
  try {
    await deleteRemovedRows(warm, lakehouse, content, { readAt: cachedAtOf(readAt), versions: at });
  } catch (error) {
    if (!(error instanceof TableChangedError)) throw error;
    warm.skipped.push(`no content details removed: ${error.message}`);
  }
}
