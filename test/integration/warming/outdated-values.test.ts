import { afterAll, beforeAll, expect, test } from 'vitest';
import { cacheStatus, startApi, type RunningApi } from '../../support/api.ts';
import { copyRows, updateColumn } from '../../support/change-table.ts';
import { keysWithoutTtl } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

// Values that readers cache and no warm writes, before and after a load.

const HIT = /^kol-\w+; hit/;
/** No warm writes a day before the last week. */
const OLD_DAY = new Date(Date.now() - 20 * 86_400_000).toISOString().slice(0, 10);
const OLD_VIDEO = 'old-video';
const PARTS = ['profiles', 'rankings', 'trending', 'stats', 'search', 'lists'] as const;

let harness: WarmHarness;
let api: RunningApi;
/** What only readers cache, by the path that reads it. */
let cold: { readonly list: string; readonly detail: string; readonly day: string; readonly top: string };
/** A profile that is not hot. It is written here: one that is read often becomes hot. */
let coldProfile: string;
/** Values of a warm. */
let hot: readonly string[];

beforeAll(async () => {
  harness = await warmHarness(13, { WARM_PROFILES: '5', WARM_RANKING_LIMITS: '50,20' });
  const { redis, schema, trino } = harness;
  const { REDIS_URL, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
  // with its local tier, which serves its values without reading Redis
  api = await startApi({ REDIS_URL, TRINO_CATALOG, TRINO_SCHEMA, API_L1_MEGABYTES: '16' });
  await redis.flushdb();
  const content = `${schema}.kol_content`;
  await copyRows(trino, {
    ...{ from: content, to: content },
    changes: { content_id: `'${OLD_VIDEO}'`, posted_at: `'${OLD_DAY}T12:00:00Z'`, views: '1' },
    where: `content_id = (SELECT min(content_id) FROM ${content} WHERE platform = 'tiktok')`,
  });
  await harness.warm({ parts: [...PARTS] });
  const [kol = ''] = await redis.zrevrange('kol:top:followers:all:50', 0, 0);
  const [video = ''] = await redis.lrange('content:trending:all:50', 0, 0);
  hot = [`/api/v1/kols/${encodeURIComponent(kol)}`, `/api/v1/content/${encodeURIComponent(video)}`];
  const [[coldKol] = []] = await trino(
    `SELECT kol_id FROM ${schema}.kol_profiles ORDER BY followers_count LIMIT 1`,
  );
  const [[owner] = []] = await trino(
    `SELECT kol_id FROM ${schema}.kol_content WHERE content_id = '${OLD_VIDEO}'`,
  );
  coldProfile = `kol:profile:${String(coldKol)}`;
  cold = {
    list: `/api/v1/kols/${encodeURIComponent(String(owner))}/content`,
    detail: `/api/v1/content/${OLD_VIDEO}`,
    day: `/api/v1/stats/daily/${OLD_DAY}`,
    // No warm writes a ranking of this length.
    top: '/api/v1/kols/top?platform=tiktok&limit=100',
  };
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

const readAll = async (paths: readonly string[]) => {
  const answers = await Promise.all(paths.map((path) => api.get(path)));
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
  return answers;
};
const areHits = (answers: Awaited<ReturnType<typeof readAll>>) =>
  answers.map((answer) => HIT.test(cacheStatus(answer) ?? ''));
const firstScore = (answer: Awaited<ReturnType<typeof readAll>>[number] | undefined) =>
  (answer?.json['items'] as { score: number }[])[0]?.score ?? NaN;
const load = () => harness.warm({ parts: [...PARTS], trigger: 'etl' });

async function cacheColdProfile(cachedAt: Date): Promise<void> {
  const { redis } = harness;
  await redis.hset(coldProfile, { kol_id: 'cold', cached_at: cachedAt.toISOString() });
  await redis.expire(coldProfile, 3000);
}
const anHourAgo = () => new Date(Date.now() - 3_600_000);

/** Sets a column in all rows. */
const change = (table: 'profiles' | 'content', column: string, value: string) =>
  updateColumn(harness.trino, `${harness.schema}.kol_${table}`, { column, value, where: 'true' });

test('a finished load removes the older values that readers cached from its tables', async () => {
  const paths = Object.values(cold);
  await readAll(paths);
  const cached = await readAll(paths);
  expect(areHits(cached)).toEqual([true, true, true, true]);
  await cacheColdProfile(anHourAgo());
  await change('profiles', 'description', "'of the load'");
  await change('profiles', 'followers_count', 'followers_count + 1');
  await change('content', 'title', "'of the load'");
  await change('content', 'views', '7');

  const report = await load();

  expect(report.removed).toBeGreaterThanOrEqual(5);
  expect(await harness.redis.exists(coldProfile)).toBe(0);
  const [list, detail, day, top] = await readAll(paths);
  const titles = (list?.json['items'] as { title: string }[]).map(({ title }) => title);
  expect(new Set(titles)).toEqual(new Set(['of the load']));
  expect(detail?.json['title']).toBe('of the load');
  expect(day?.json).toMatchObject({ content: 1, views: 7 });
  expect(firstScore(top)).toBe(firstScore(cached[3]) + 1);
  // values that the warm wrote stay
  expect(areHits(await readAll(hot))).toEqual([true, true]);
  expect(await keysWithoutTtl(harness.redis)).toEqual([]);
});

test('a load that changed nothing keeps the values that were cached since', async () => {
  const paths = [...Object.values(cold), ...hot];
  await readAll(paths);
  await cacheColdProfile(new Date());
  expect((await load()).removed).toBe(0);
  expect(areHits(await readAll(paths))).toEqual(paths.map(() => true));
  expect(await harness.redis.exists(coldProfile)).toBe(1);
});

test('a scheduled warm, and a load of ids, keep it until it expires', async () => {
  await readAll(Object.values(cold));
  await cacheColdProfile(anHourAgo());
  await change('profiles', 'description', "'later'");
  await change('content', 'title', "'later'");
  await harness.warm({ parts: ['profiles', 'trending'], trigger: 'schedule' });
  await harness.warm({ parts: ['profiles'], scopes: { profiles: { ids: ['1'] } }, trigger: 'etl' });
  expect(await harness.redis.exists(coldProfile)).toBe(1);
  const [, detail] = await readAll(Object.values(cold));
  expect(detail?.json['title']).toBe('of the load');
});
