import type { Redis } from 'ioredis';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { Trino } from '../../clients/lakehouse/trino.ts';
import { silver } from '../../domain/schema/silver-tables.ts';
import { profile } from '../../domain/entities/profile.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { platformStats } from '../../domain/entities/platform-stats.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { inChunks } from '../../domain/values/lists.ts';

/** The script's keys, so that it overwrites nothing. */
const PREFIX = 'script:';
const KEYS_PER_ROUND_TRIP = 1000;
const RANKING_LIMIT = 100;
/** One platform beside all of them: two lists of trending content. */
const TRENDING_SCOPES = [ALL, 'tiktok'];

interface OldScript {
  readonly trino: Trino;
  readonly lakehouse: Lakehouse;
  readonly redis: Redis;
  /** Qualified name of the schema. */
  readonly schema: string;
}

/**
 * The design of the script that this system replaces: one plain, unsorted read after the other, and HSET + EXPIRE in pipelines of 1,000
 * keys. Profiles, two rankings, two lists of trending content and the statistics; no checks, and no replacement in one step.
 */
export async function runOldScript({ trino, lakehouse, redis, schema }: OldScript): Promise<void> {
  const columns = Object.keys(silver.kol_profiles);
  const sql = `SELECT ${columns.map((name) => `CAST(${name} AS VARCHAR) AS ${name}`).join(', ')} FROM ${schema}.kol_profiles`;
  const rows = await trino.rows(sql, { columns });
  const idAt = columns.indexOf(profile.idColumn);
  for (const chunk of inChunks(rows, KEYS_PER_ROUND_TRIP)) {
    const pipeline = redis.pipeline();
    for (const row of chunk) {
      const key = PREFIX + profile.key(row[idAt] ?? '');
      pipeline.hset(key, Object.fromEntries(columns.map((name, index) => [name, row[index] ?? ''])));
      pipeline.expire(key, profile.ttlSeconds);
    }
    await pipeline.exec();
  }
  const now = new Date();
  for (const kind of rankingKinds) {
    const key = PREFIX + ranking.key(kind, ALL, RANKING_LIMIT);
    const ranked = (await lakehouse.ranking(kind, RANKING_LIMIT, ALL)).get(ALL) ?? [];
    const members = ranked.flatMap(({ kol_id, score }) => [score, kol_id]);
    await redis.pipeline().del(key).zadd(key, ...members).expire(key, 900).exec(); // prettier-ignore
  }
  for (const scope of TRENDING_SCOPES) {
    const key = PREFIX + trending.key(scope);
    const items = (await lakehouse.trending(TRENDING_LIMIT, now, scope)).get(scope) ?? [];
    if (items.length === 0) continue;
    const members = items.map(({ content_id }) => content_id);
    await redis.pipeline().del(key).rpush(key, ...members).expire(key, 900).exec(); // prettier-ignore
  }
  const stats = platformStats.toEntry(await lakehouse.platformStats(now));
  const key = PREFIX + stats.key;
  if (stats.type === 'hash') await redis.pipeline().hset(key, stats.fields).expire(key, 300).exec();
}
