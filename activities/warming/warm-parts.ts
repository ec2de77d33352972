import { writeContentRows } from '../../cache/writing/write-content.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { entryBytes } from '../../domain/schema/entry.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { autocomplete } from '../../domain/entities/search.ts';
import { dailyStats, platformStats } from '../../domain/entities/stats.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import type { PartReport } from '../../domain/warming/warm-parts.ts';
import { deleteRemovedIds, deleteRemovedRows } from './delete-removed-rows.ts';
import { PartWarm, runPartWarm, type WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetToWrite, type WarmSetDeps } from './warm-set.ts';

/** Sizes of what is kept warm; from the configuration. */
export interface SetLimits {
  readonly listSize: number;
  readonly rankingLimits: readonly number[];
}

/** Days before today whose statistics are kept too. */
const DAYS_KEPT = 7;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Autocomplete terms, of the most followed KOLs first: about 10 MB of Redis when full. */
const SEARCH_TERMS = 100_000;

/** One activity a part that is made of sets: lakehouse rows → typed entries → Redis. Each is idempotent. */
export function createWarmParts(deps: WarmSetDeps & { readonly sizes: SetLimits }) {
  const { lakehouse, sizes } = deps;
  const longestRanking = Math.max(...sizes.rankingLimits);

  return {
    warmRankings: (args: WarmPartArgs): Promise<PartReport> =>
      warmSets(
        deps,
        {
          part: 'rankings',
          shape: sizes.rankingLimits.join(),
          renewableMs: Infinity,
          async read(warm) {
            const sets: SetToWrite[] = [];
            for (const kind of rankingKinds)
              for (const [platform, ranked] of await lakehouse.ranking(
                kind,
                longestRanking,
                undefined,
                warm.reading,
              )) {
                warm.counts.rowsRead += ranked.length;
                for (const limit of sizes.rankingLimits)
                  sets.push({
                    entry: ranking.toEntry(kind, platform, limit, ranked),
                    platform,
                    size: Math.min(limit, ranked.length),
                  });
              }
            return sets;
          },
        },
        args,
      ),

    warmTrending: (args: WarmPartArgs): Promise<PartReport> =>
      args.scope?.ids === undefined
        ? warmSets(
            deps,
            {
              part: 'trending',
              shape: String(TRENDING_LIMIT),
              // What the last 24 h are changes with the clock.
              renewableMs: HOUR_MS,
              async read(warm, now) {
                const byPlatform = await lakehouse.trending(TRENDING_LIMIT, now, undefined, warm.reading);
                return [...byPlatform].flatMap(([platform, items]) => {
                  warm.counts.rowsRead += items.length;
                  const ids = items.map(({ content_id }) => content_id);
                  return [
                    // How many were posted in a day tells nothing about a load; the table's rows do.
                    { entry: trending.toHeatEntry(platform, items), platform, size: 0 },
                    { entry: trending.toEntry(platform, ids), platform, size: 0 },
                  ];
                });
              },
              // Clients that read the list read its items next.
              async after(warm, sets, now) {
                const lists = sets.flatMap(({ entry }) => (entry.type === 'list' ? entry.items : []));
                const items = await lakehouse.contentById([...new Set(lists)], warm.reading);
                await writeContent(warm, items, now);
                if (!args.dryRun && args.scope === undefined)
                  await deleteRemovedRows(warm, lakehouse, content, now.toISOString());
                return items.map((item) => content.toEntry(item.content_id, item, ''));
              },
            },
            args,
          )
        : warmContent(args, args.scope.ids),

    warmStats: (args: WarmPartArgs): Promise<PartReport> =>
      warmSets(
        deps,
        {
          part: 'stats',
          shape: String(DAYS_KEPT),
          renewableMs: HOUR_MS,
          async read(warm, now) {
            const stats = await lakehouse.platformStats(now, warm.reading);
            const total = stats.total_kols + stats.total_content;
            if (total === 0) return [];
            const firstDay = new Date(now.getTime() - DAYS_KEPT * DAY_MS);
            firstDay.setUTCHours(0, 0, 0, 0);
            const days = await lakehouse.dailyStats(firstDay, now, warm.reading);
            warm.counts.rowsRead += Object.keys(stats.by_platform).length + days.length;
            return [
              { entry: platformStats.toEntry(stats), size: total },
              ...days.map(({ day, counts }) => ({
                entry: dailyStats.toEntry(day, { ...counts, last_updated: now.toISOString() }),
                size: 0, // days differ as they like
              })),
            ];
          },
        },
        args,
      ),

    warmSearch: (args: WarmPartArgs): Promise<PartReport> =>
      warmSets(
        deps,
        {
          part: 'search',
          shape: String(SEARCH_TERMS),
          renewableMs: Infinity,
          async read(warm) {
            const terms: string[] = [];
            for await (const page of lakehouse.searchTerms(SEARCH_TERMS, warm.reading)) terms.push(...page);
            warm.counts.rowsRead += terms.length;
            return [{ entry: autocomplete.toEntry(terms), size: terms.length }];
          },
        },
        args,
      ),

    warmLists: (args: WarmPartArgs): Promise<PartReport> =>
      warmSets(
        deps,
        {
          part: 'lists',
          shape: String(sizes.listSize),
          renewableMs: Infinity,
          async read(warm) {
            const lists = await lakehouse.profileLists(sizes.listSize, undefined, warm.reading);
            return [...lists].map(([platform, profiles]) => {
              warm.counts.rowsRead += profiles.length;
              return { entry: profileList.toEntry(platform, profiles), platform, size: profiles.length };
            });
          },
        },
        args,
      ),
  };

  /** The details of single content items, as an ETL pipeline names them. */
  function warmContent(args: WarmPartArgs, ids: readonly string[]): Promise<PartReport> {
    const warm = new PartWarm(deps.redis, 'trending', args);
    return runPartWarm(warm, async () => {
      const items = await lakehouse.contentById(ids, warm.reading);
      warm.counts.rowsRead += items.length;
      await writeContent(warm, items, new Date());
      await deleteRemovedIds(warm, lakehouse, content, ids);
    });
  }

  async function writeContent(warm: PartWarm, items: readonly Content[], now: Date): Promise<void> {
    const bytes = items.reduce(
      (sum, item) => sum + entryBytes(content.toEntry(item.content_id, item, now.toISOString())),
      0,
    );
    const written = warm.args.dryRun ? items.length : await writeContentRows(deps.redis, items, now);
    warm.add({ keys: written, bytes });
    if (written < items.length)
      warm.skipped.push(`${items.length - written} details: the hot path has newer ones`);
  }
}
