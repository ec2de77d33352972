import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type SetToWrite, type WarmSetDeps } from './warm-set.ts';

/** Warms kol:top: one ranking for each kind, platform and limit. */
export function createWarmRankings(
  deps: WarmSetDeps & { readonly sizes: { readonly rankingLimits: readonly number[] } },
) {
  const { lakehouse } = deps;
  const { rankingLimits } = deps.sizes;
  const maxLimit = Math.max(...rankingLimits);
  const rankings: SetPart = {
    part: 'rankings',
    shape: rankingLimits.join(),
    maxAgeMs: Infinity,
    memberColumns: [
      'kol_profiles.platform',
      'kol_profiles.followers_count',
      'kol_content.platform',
      'kol_content.kol_id',
      'kol_content.engagement_rate',
    ],
    async read(warm, { at }) {
      const sets: SetToWrite[] = [];
      for (const kind of rankingKinds) {
        const byPlatform = await lakehouse.ranking(kind, maxLimit, undefined, warm.readingAt(at));
        for (const [platform, ranked] of byPlatform) {
          warm.counts.rowsRead += ranked.length;
          for (const limit of rankingLimits)
            sets.push({
              entry: ranking.toEntry(kind, platform, limit, ranked),
              platform,
              size: Math.min(limit, ranked.length),
            });
        }
      }
      return sets;
    },
  };

  return function warmRankings(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, rankings, args);
  };
}
