import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { platformStats, sizeOfStats } from '../../domain/entities/platform-stats.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmPartArgs } from './part-warm.ts';
import { warmSets, type SetPart, type WarmSetDeps } from './warm-set.ts';

/** Daily statistics of today and of this many days before. */
const DAYS_BEFORE_TODAY = 7;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Warms stats:platform and stats:daily. */
export function createWarmStats(deps: WarmSetDeps) {
  const { lakehouse } = deps;
  const stats: SetPart = {
    part: 'stats',
    shape: String(DAYS_BEFORE_TODAY),
    // the days to cache depend on the clock
    maxAgeMs: HOUR_MS,
    memberColumns: ['kol_profiles.platform', 'kol_content.platform', 'kol_content.posted_at'],
    async read(warm, { at, now }) {
      const reading = warm.readingAt(at);
      const totals = await lakehouse.platformStats(now, reading);
      const size = sizeOfStats(totals);
      if (size === 0) return [];
      const days = await lakehouse.dailyStats(firstDayOf(now), now, reading);
      warm.counts.rowsRead += Object.keys(totals.by_platform).length + days.length;
      return [
        { entry: platformStats.toEntry(totals), size },
        ...days.map(({ day, counts }) => ({
          entry: dailyStats.toEntry(day, { ...counts, last_updated: now.toISOString() }),
          size: 0, // the number of posts differs from day to day
        })),
      ];
    },
  };

  return function warmStats(args: WarmPartArgs): Promise<PartReport> {
    return warmSets(deps, stats, args);
  };
}

function firstDayOf(now: Date): Date {
  const day = new Date(now.getTime() - DAYS_BEFORE_TODAY * DAY_MS);
  day.setUTCHours(0, 0, 0, 0);
  return day;
}
