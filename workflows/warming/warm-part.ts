import { proxyActivities } from '@temporalio/workflow';
import type { WarmActivities } from '../../activities/index.ts';
import type { WarmPartArgs } from '../../activities/warming/part-warm.ts';
import type { WarmProgress } from '../../contract/warm-cache.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { warming } from '../activity-options.ts';
import { warmProfiles } from './warm-profiles.ts';

export type OnProgress = (progress: WarmProgress) => void;

/**
 * Warms one part now.
 * @param onProgress called while a part is warmed in several steps
 */
export async function warmPart(
  part: WarmPart,
  args: WarmPartArgs,
  onProgress: OnProgress = () => {},
): Promise<PartReport> {
  const activities = proxyActivities<WarmActivities>({ ...warming, summary: summaryOf(part, args) });
  const hasIds = args.scope?.ids !== undefined;
  switch (part) {
    case 'profiles':
      return hasIds ? activities.warmProfileIds(args) : warmProfiles(args, onProgress);
    case 'rankings':
      return activities.warmRankings(args);
    case 'trending':
      return hasIds ? activities.warmContentIds(args) : activities.warmTrending(args);
    case 'stats':
      return activities.warmStats(args);
    case 'search':
      return activities.warmSearch(args);
    case 'lists':
      return activities.warmLists(args);
  }
}

/** Characters of a summary; Temporal has a limit of 400 bytes. */
const MAX_SUMMARY = 200;

function summaryOf(part: WarmPart, { scope }: WarmPartArgs): string {
  if (scope?.ids !== undefined) return `${part}: ${scope.ids.length} ids`;
  if (scope?.platforms === undefined) return part;
  return `${part} of ${scope.platforms.join(', ')}`.slice(0, MAX_SUMMARY);
}
