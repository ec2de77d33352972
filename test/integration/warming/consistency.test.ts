import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { cacheStatus, startApi, TOKEN, withToken, type RunningApi } from '../../support/api.ts';
import { replaceTable } from '../../support/change-table.ts';
import { rareTest } from '../../support/rare.ts';
import { allKeys } from '../../support/redis.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';
import type { PartMetadata } from '../../../domain/entities/part-metadata.ts';
import type { WarmPart } from '../../../domain/warming/warm-parts.ts';

const catalog = inject('catalog');
let harness: WarmHarness;
beforeAll(async () => {
  harness = await warmHarness(12, { TRINO_CATALOG: catalog, WARM_SETTLE_SECONDS: '0.5' });
  const { trino, schema } = harness;
  for (const table of ['profiles', 'content'])
    await trino(`CREATE TABLE ${schema}.all_${table} AS SELECT * FROM ${schema}.kol_${table}`);
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.redis.flushdb();
});

const load = (table: 'profiles' | 'content', where = 'true') =>
  replaceTable(
    harness.trino,
    `${harness.schema}.kol_${table}`,
    `SELECT * FROM ${harness.schema}.all_${table} WHERE ${where}`,
  );

/** All cached keys with their serialised values (DUMP). */
async function snapshot(): Promise<Map<string, string>> {
  const keys = await allKeys(harness.redis);
  const dumped = async (key: string) => (await harness.redis.dumpBuffer(key)).toString('hex');
  return new Map(await Promise.all(keys.map(async (key) => [key, await dumped(key)] as const)));
}

describe('after a load that lost most rows', () => {
  test('a warm changes nothing in the cache, and reports the row counts, the limit and what to do', async () => {
    await load('profiles');
    await harness.warm({ parts: ['profiles', 'rankings', 'search', 'lists'] });
    const [[before] = []] = await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`);
    const cached = await snapshot();
    await load('profiles', "platform = 'tiktok'");

    const failure = await harness.failure({ parts: ['profiles', 'rankings', 'search', 'lists'] });

    expect(failure.type).toBe('WarmIncomplete');
    expect(failure.message).toContain('4 of 4 parts failed');
    expect(failure.message).toContain(
      `kol_profiles fell from ${String(before)} to 48: more than 50 % less than at the last warm, so the cache keeps what it has. Check the last load; if the lakehouse is right, warm with --allow-shrink.`,
    );
    expect(await snapshot()).toEqual(cached);

    // the operator accepts the smaller lakehouse
    const accepted = await harness.warm({
      parts: ['profiles', 'rankings', 'search', 'lists'],
      allowShrink: true,
    });
    expect(accepted.removed).toBeGreaterThanOrEqual(Number(before) - 48);
    const keys = await allKeys(harness.redis);
    expect(keys.filter((key) => key.startsWith('kol:profile:'))).toHaveLength(48);
    expect(keys.filter((key) => key.endsWith(':twitter') || key.includes(':twitter:'))).toEqual([]);
  });

  rareTest('a warm notices the loss of a single platform by the sizes of its sets', async () => {
    await load('profiles');
    await harness.warm({ parts: ['rankings', 'lists'] });
    const cached = await snapshot();
    await load('profiles', "platform <> 'tiktok'");
    const failure = await harness.failure({ parts: ['rankings', 'lists'] });
    expect(failure.message).toContain('kol:top:followers:tiktok:100 fell from 48 to 0');
    expect(failure.message).toContain('kol:profiles:list:tiktok fell from 48 to 0');
    expect(await snapshot()).toEqual(cached);
  });

  test('a warm keeps the trending list of a platform that is lost, and names it', async () => {
    await load('content');
    await harness.warm({ parts: ['trending'] });
    const cached = await snapshot();
    await load('content', "platform <> 'youtube'");
    const failure = await harness.failure({ parts: ['trending'] });
    expect(failure.message).toMatch(/content:trending:youtube:50\S* fell from \d+ to 0/);
    expect(await snapshot()).toEqual(cached);
    const accepted = await harness.warm({ parts: ['trending'], allowShrink: true });
    expect(accepted.removed).toBeGreaterThanOrEqual(2);
    expect(await harness.redis.exists('content:trending:youtube:50')).toBe(0);
  });

  test('a warm refuses an empty table even with allowShrink, and still warms the parts of other tables', async () => {
    await load('profiles');
    await load('content');
    await harness.warm({ parts: ['trending', 'lists'] });
    const before = await snapshot();
    await load('content', 'false');
    const failure = await harness.failure({ parts: ['trending', 'lists'], allowShrink: true, force: true });
    // A Hive table without files may be in the middle of a load.
    const reason =
      catalog === 'hive' ? 'The files of kol_content' : 'The lakehouse has no rows in kol_content any more';
    expect(failure.message).toContain(`1 of 2 parts failed; the others are warm. trending: ${reason}`);
    expect(failure.message).toMatch(/ The cache keeps what it has\. .* \d+ keys are kept until /);
    const [report] = failure.details as [WarmReport];
    expect(report.parts.map(({ part }) => part)).toEqual(['lists']);
    expect(report.keys).toBeGreaterThan(0);
    const after = await snapshot();
    for (const [key, value] of before)
      if (key.startsWith('content:')) expect(after.get(key), key).toBe(value);
  });
});

describe('what a refused read leaves', () => {
  const parts = ['profiles', 'rankings', 'stats', 'search', 'lists'] as const;
  /** Every key that clients read, and the time that it has left (s). */
  const timesLeft = async () => {
    const keys = (await allKeys(harness.redis)).filter((key) => !/^cache:|read-at$/.test(key));
    return Promise.all(keys.map(async (key) => [key, await harness.redis.ttl(key)] as const));
  };
  /** Warms, shortens the TTL of each key, and loads a table without most of its rows. */
  async function warmThenShrink() {
    await load('profiles');
    await load('content');
    await harness.warm({ parts: [...parts] });
    for (const key of await allKeys(harness.redis)) await harness.redis.expire(key, 60);
    await load('profiles', "platform = 'tiktok'");
  }

  test('is renewed at each warm until the last good one is a day old, and the failure shows it', async () => {
    await warmThenShrink();
    const { redis } = harness;
    const warmedAt = await lastGoodWarm('rankings');
    const keptUntil = new Date(Date.parse(warmedAt) + 86_400_000).toISOString();
    for (const _ of [1, 2]) {
      const failure = await harness.failure({ parts: [...parts] });
      expect(failure.message).toContain('5 of 5 parts failed');
      expect(failure.message).toContain(`keys are kept until ${keptUntil}, last good warm ${warmedAt}.`);
      // Until the next warm at least, also statistics, whose own TTL is 5 minutes.
      for (const [key, seconds] of await timesLeft()) expect(seconds, key).toBeGreaterThan(1000);
      expect(await redis.ttl('cache:metadata')).toBeGreaterThan(80_000);
      for (const key of await allKeys(redis)) await redis.expire(key, 60);
    }
    expect(await lastGoodWarm('rankings')).toBe(warmedAt);
  });

  rareTest('is left to expire when the last good warm is older', async () => {
    await warmThenShrink();
    for (const part of parts) await ageLastWarm(part, 25 * 3600);
    const failure = await harness.failure({ parts: [...parts] });
    expect(failure.message).toContain(
      `Its keys are not renewed any more, last good warm ${await lastGoodWarm('profiles')}.`,
    );
    for (const [key, seconds] of await timesLeft()) expect(seconds, key).toBeLessThanOrEqual(60);
  });

  rareTest('is not renewed by a dry run', async () => {
    await warmThenShrink();
    expect((await harness.failure({ parts: ['lists'], dryRun: true })).message).not.toContain('kept until');
    for (const [key, seconds] of await timesLeft()) expect(seconds, key).toBeLessThanOrEqual(60);
  });

  const metadataOf = async (part: WarmPart) =>
    JSON.parse((await harness.redis.hget('cache:metadata', part)) ?? '{}') as PartMetadata;
  const lastGoodWarm = async (part: WarmPart) => (await metadataOf(part)).warmed_at;
  async function ageLastWarm(part: WarmPart, seconds: number) {
    const last = await metadataOf(part);
    const warmed_at = new Date(Date.parse(last.warmed_at) - seconds * 1000).toISOString();
    await harness.redis.hset('cache:metadata', part, JSON.stringify({ ...last, warmed_at }));
  }
});

describe('a miss after a load that lost rows', () => {
  const SHRUNKEN = 'kol-redis; fwd=uri-miss; detail=table-shrunk';
  const KEYS = {
    '/api/v1/kols/top?platform=all&by=followers&limit=100': 'kol:top:followers:all:100',
    '/api/v1/kols?platform=all&limit=5': 'kol:profiles:list:all',
    '/api/v1/stats': 'stats:platform',
  };
  const RANKING = '/api/v1/kols/top?platform=tiktok&by=followers&limit=100';
  const fresh = { ...withToken, 'cache-control': 'no-cache' };

  /** An API process that has read nothing. */
  async function start(): Promise<RunningApi> {
    const { REDIS_URL, TRINO_CATALOG, TRINO_SCHEMA } = harness.config;
    const api = await startApi({ REDIS_URL, TRINO_CATALOG, TRINO_SCHEMA, API_TOKEN: TOKEN });
    onTestFinished(() => api.close());
    return api;
  }
  const someone = async (where: string) => {
    const [[id] = []] = await harness.trino(
      `SELECT kol_id FROM ${harness.schema}.all_profiles WHERE ${where} LIMIT 1`,
    );
    return { key: `kol:profile:${String(id)}`, path: `/api/v1/kols/${encodeURIComponent(String(id))}` };
  };

  test('is answered, but fills no set and is not remembered as "not found", until a warm accepts the table', async () => {
    await load('profiles');
    await load('content');
    await harness.warm({ parts: ['profiles', 'rankings', 'stats', 'lists'] });
    const lost = await someone("platform <> 'tiktok'");
    const kept = await someone("platform = 'tiktok'");
    await harness.redis.del(...Object.values(KEYS), lost.key, kept.key);
    await load('profiles', "platform = 'tiktok'");
    await load('content', "platform = 'tiktok' AND views < 0");

    const api = await start();
    for (const [path, key] of Object.entries(KEYS)) {
      const answer = await api.get(path);
      expect([answer.status, cacheStatus(answer)], path).toEqual([200, SHRUNKEN]);
      expect(answer.headers.get('cache-control'), path).toBe('no-store');
      expect(await harness.redis.exists(key), key).toBe(0);
    }
    for (const _ of [1, 2]) {
      const answer = await api.get(lost.path);
      expect([answer.status, cacheStatus(answer)]).toEqual([404, SHRUNKEN]);
    }
    expect(cacheStatus(await api.get(kept.path))).toBe('kol-redis; fwd=uri-miss; stored');

    // The load is repaired: the same process finds the row at once.
    await load('profiles');
    expect((await api.get(lost.path)).status).toBe(200);

    // or the load was correct, and an operator accepts it
    await load('profiles', "platform = 'tiktok'");
    await load('content', "platform = 'tiktok'");
    await harness.warm({ parts: ['profiles', 'rankings', 'stats', 'lists'], allowShrink: true });
    await harness.redis.del(...Object.values(KEYS));
    const later = await start();
    for (const path of Object.keys(KEYS))
      expect(cacheStatus(await later.get(path)), path).toBe('kol-redis; fwd=uri-miss; stored');
  });

  rareTest(
    'removes and replaces nothing that is cached, also of a single platform that is lost',
    async () => {
      await load('profiles');
      await load('content');
      await harness.warm({ parts: ['profiles', 'rankings', 'stats'] });
      const before = await snapshot();
      await load('profiles', "platform <> 'tiktok'");
      await load('content', "platform <> 'tiktok'");
      const api = await start();
      const ranking = await api.get(RANKING, fresh);
      expect([ranking.status, (ranking.json['items'] as unknown[]).length]).toEqual([200, 48]);
      await load('profiles', 'kol_id IS NULL');
      const { path } = await someone("platform = 'tiktok'");
      expect((await api.get(path, fresh)).status).toBe(200);
      expect(await snapshot()).toEqual(before);
    },
  );
});

describe('rows that were deleted from the lakehouse', () => {
  test('are removed from profiles, rankings, trending lists and details; details from events and scores stay', async () => {
    await load('profiles');
    await load('content');
    const { redis } = harness;
    await harness.warm({ parts: ['profiles', 'rankings', 'trending'] });
    const [kol = ''] = await redis.zrevrange('kol:top:followers:all:100', 0, 0);
    const [video = '', next = ''] = await redis.lrange('content:trending:all:50', 0, 1);
    await redis.hset('content:detail:of-an-event', {
      content_id: 'of-an-event',
      event_time_ms: '1',
      cached_at: '2026',
    });
    await redis.hset('content:detail:read-long-ago', { content_id: 'read-long-ago', cached_at: '2026' });
    await redis.set(`kol:score:${kol}`, '{"trust_score":1}', 'EX', 100);
    await load('profiles', `kol_id <> '${kol}'`);
    await load('content', `content_id <> '${video}'`);

    const report = await harness.warm({ parts: ['profiles', 'rankings', 'trending'] });

    expect(await redis.exists(`kol:profile:${kol}`)).toBe(0);
    expect(await redis.zscore('kol:top:followers:all:100', kol)).toBeNull();
    expect(await redis.lpos('content:trending:all:50', video)).toBeNull();
    expect(await redis.exists(`content:detail:${video}`, 'content:detail:read-long-ago')).toBe(0);
    expect(await redis.exists(`content:detail:${next}`, 'content:detail:of-an-event')).toBe(2);
    expect(await redis.get(`kol:score:${kol}`)).toBe('{"trust_score":1}');
    expect(report.parts.map(({ part, removed }) => [part, removed])).toEqual([
      ['profiles', 1],
      ['rankings', 0],
      ['trending', 2],
    ]);
  });
});

describe('the cached detail of a video', () => {
  test('is kept when the hot path wrote it from a newer event, and replaced when the event is older', async () => {
    await load('content');
    const { redis } = harness;
    await harness.warm({ parts: ['trending'] });
    const [newer = '', older = ''] = await redis.lrange('content:trending:all:50', 0, 1);
    await redis.hset(`content:detail:${newer}`, { views: '1', event_time_ms: String(Date.now() + 60_000) });
    await redis.hset(`content:detail:${older}`, { views: '1', event_time_ms: '1' });
    const report = await harness.warm({ parts: ['trending'], force: true });
    expect(await redis.hget(`content:detail:${newer}`, 'views')).toBe('1');
    expect(await redis.hmget(`content:detail:${older}`, 'views', 'event_time_ms')).not.toEqual(['1', null]);
    expect(await redis.hexists(`content:detail:${older}`, 'event_time_ms')).toBe(0);
    expect(report.parts[0]?.skipped).toEqual(['1 details not written: the hot path has newer ones']);
  });
});
