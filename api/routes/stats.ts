import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import type { DailyStats } from '../../domain/entities/daily-stats.ts';
import { freshness } from '../freshness.ts';
import { dateParameter } from '../parameters.ts';
import { Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { dailyStatsSchema, statsSchema, versionedHeaders } from '../schemas/read-schemas.ts';
import { sendRead, valueOf } from '../send-read.ts';

/** /api/v1/stats: statistics over all platforms, and of single days. */
export const statsRoutes = (reader: CacheReader): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/stats',
    name: 'stats',
    summary: 'Statistics over all platforms',
    answers: { 200: { description: 'The statistics', schema: statsSchema, headers: versionedHeaders } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, caller }) {
      const read = await reader.platformStats(undefined, caller);
      sendRead(response, read, freshness.stats, valueOf(response, read, 'No statistics'));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/stats/daily/:date',
    name: 'daily_stats',
    summary: 'Counts over the content that was posted on a day',
    params: { date: dateParameter },
    answers: { 200: { description: 'The counts', schema: dailyStatsSchema, headers: versionedHeaders } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, params: { date }, caller }) {
      // a future day cannot have content: no query
      if (Date.parse(date) > Date.now()) throw new Problem('not-found', `${date} is in the future`);
      const read = await reader.dailyStats(date, caller);
      const value = valueOf(response, read, `No content was posted on ${date}`);
      sendRead(response, read, freshness.dailyStats, dailyStatsToJson(value));
    },
  }),
];

const PLATFORM_COUNT = /^content_(.+)$/;

function dailyStatsToJson({ date, last_updated, counts }: DailyStats): object {
  const named = Object.entries(counts);
  return {
    date,
    ...Object.fromEntries(named.filter(([name]) => !PLATFORM_COUNT.test(name))),
    by_platform: Object.fromEntries(
      named.flatMap(([name, items]) => {
        const platform = PLATFORM_COUNT.exec(name)?.[1];
        return platform === undefined ? [] : [[platform, items] as const];
      }),
    ),
    last_updated,
  };
}
