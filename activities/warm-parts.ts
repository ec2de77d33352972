import { ApplicationFailure } from '@temporalio/activity';
import type { Lakehouse } from '../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../clients/redis.ts';
import { profile } from '../domain/entities/profile.ts';
import { profileList } from '../domain/entities/profile-list.ts';
import { ranking, rankingKinds } from '../domain/entities/ranking.ts';
import { autocomplete } from '../domain/entities/search.ts';
import { dailyStats, platformStats } from '../domain/entities/stats.ts';
import { trending, TRENDING_LIMIT } from '../domain/entities/trending.ts';
import type { PartReport, WarmPart } from '../domain/warming.ts';
import { withHeartbeat } from './heartbeat.ts';
import { PartWarm, type WarmPartArgs } from './warm-report.ts';

/** Sizes of what is kept warm; from the configuration. */
export interface WarmSizes {
  readonly hotProfiles: number;
  readonly listSize: number;
  readonly rankingLimits: readonly number[];
}

export interface WarmDeps {
  readonly redis: RedisClient;
  readonly lakehouse: Lakehouse;
  readonly sizes: WarmSizes;
}

/** Failure type of a read that gave nothing: retrying will not help, and what is cached stays. */
export const EMPTY_READ = 'EmptyRead';

/** Days before today whose statistics are kept too. */
const DAYS_KEPT = 7;
const DAY_MS = 86_400_000;
/** Autocomplete terms, of the most followed KOLs first: about 10 MB of Redis when full. */
const SEARCH_TERMS = 100_000;

/** One activity a part: lakehouse rows → typed entries → Redis. Each is idempotent and safe to try again. */
export function createWarmParts({ redis, lakehouse, sizes }: WarmDeps) {
  /** Runs the steps of a part under heartbeat, and refuses to call an empty read a success. */
  const part =
    (name: WarmPart, steps: (warm: PartWarm, now: Date, args: WarmPartArgs) => Promise<void>) =>
    async (args: WarmPartArgs): Promise<PartReport> => {
      const now = new Date();
      const warm = new PartWarm(redis, name, args);
      return withHeartbeat(
        async () => {
          await steps(warm, now, args);
          if (warm.rowsRead === 0)
            throw ApplicationFailure.nonRetryable(
              `The lakehouse gave no rows for ${name}; what is cached stays. Check the Silver tables, then warm again.`,
              EMPTY_READ,
            );
          return warm.finish(now);
        },
        () => warm.progress(),
      );
    };

  return {
    warmProfiles: part('profiles', async (warm, now, { allProfiles }) => {
      const choice = allProfiles
        ? 'all'
        : { most: sizes.hotProfiles, perPlatform: Math.max(...sizes.rankingLimits) };
      for await (const page of lakehouse.profiles(choice, warm.reading)) {
        warm.rowsRead += page.length;
        await warm.write(page.map((value) => profile.toEntry(value.kol_id, value, now.toISOString())));
      }
    }),

    warmRankings: part('rankings', async (warm) => {
      for (const kind of rankingKinds) {
        const byPlatform = await lakehouse.ranking(
          kind,
          Math.max(...sizes.rankingLimits),
          undefined,
          warm.reading,
        );
        for (const [platform, ranked] of byPlatform) {
          warm.rowsRead += ranked.length;
          for (const limit of sizes.rankingLimits)
            await warm.replace(ranking.toEntry(kind, platform, limit, ranked));
        }
      }
    }),

    warmTrending: part('trending', async (warm, now) => {
      for (const [platform, items] of await lakehouse.trending(
        TRENDING_LIMIT,
        now,
        undefined,
        warm.reading,
      )) {
        warm.rowsRead += items.length;
        const ids = items.map(({ content_id }) => content_id);
        await warm.replace(trending.toHeatEntry(platform, items));
        await warm.replace(trending.toEntry(platform, ids));
      }
    }),

    warmStats: part('stats', async (warm, now) => {
      const stats = await lakehouse.platformStats(now, warm.reading);
      if (stats.total_kols + stats.total_content === 0) return;
      warm.rowsRead += Object.keys(stats.by_platform).length;
      await warm.replace(platformStats.toEntry(stats));
      const firstDay = new Date(now.getTime() - DAYS_KEPT * DAY_MS);
      firstDay.setUTCHours(0, 0, 0, 0);
      for (const { day, counts } of await lakehouse.dailyStats(firstDay, now, warm.reading)) {
        warm.rowsRead += 1;
        await warm.replace(dailyStats.toEntry(day, { ...counts, last_updated: now.toISOString() }));
      }
    }),

    warmSearch: part('search', async (warm) => {
      const terms: string[] = [];
      for await (const page of lakehouse.searchTerms(SEARCH_TERMS, warm.reading)) terms.push(...page);
      warm.rowsRead += terms.length;
      await warm.replace(autocomplete.toEntry(terms));
    }),

    warmLists: part('lists', async (warm) => {
      for (const [platform, profiles] of await lakehouse.profileLists(
        sizes.listSize,
        undefined,
        warm.reading,
      )) {
        warm.rowsRead += profiles.length;
        await warm.replace(profileList.toEntry(platform, profiles));
      }
    }),
  };
}
