import { profileList } from '../../domain/entities/profile-list.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type WarmSetDeps } from './warm-set.ts';

/** Warms kol:profiles:list, one list for each platform. */
export function createWarmLists(deps: WarmSetDeps & { readonly sizes: { readonly listSize: number } }) {
  const { lakehouse } = deps;
  const { listSize } = deps.sizes;
  const lists: SetPart = {
    part: 'lists',
    shape: String(listSize),
    maxAgeMs: Infinity,
    memberColumns: ['kol_profiles.platform'],
    async read(warm, { at }) {
      const byPlatform = await lakehouse.profileLists(listSize, undefined, warm.readingAt(at));
      return [...byPlatform].map(([platform, profiles]) => {
        warm.counts.rowsRead += profiles.length;
        return { entry: profileList.toEntry(platform, profiles), platform, size: profiles.length };
      });
    },
  };

  return function warmLists(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, lists, args);
  };
}
