import type { Redis } from 'ioredis';
import { createLakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino, type Trino } from '../../clients/lakehouse/trino.ts';
import { entrySize, type CacheEntry } from '../../domain/schema/entry.ts';
import { profile } from '../../domain/entities/profile.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { autocomplete } from '../../domain/entities/autocomplete.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { platformStats } from '../../domain/entities/platform-stats.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import { HASH_BUCKETS } from '../../domain/warming/profile-splits.ts';

const ALL_PROFILES = { from: 0, to: HASH_BUCKETS };
const COMMANDS_PER_ROUND_TRIP = 3000;

/**
 * The minimum work of a full warm: reads the results of its queries one after the other and discards them, then writes its entries
 * with one pipelining client. The timed parts have no checks, no mapping, no atomic replacement and no Temporal.
 * @returns the duration of the reads and of the writes in milliseconds, and the number of keys written
 */
export async function bareWarm(options: {
  readonly trinoUrl: string;
  readonly catalog: string;
  readonly schema: string;
  readonly redis: Redis;
}): Promise<{ readMs: number; writeMs: number; keys: number }> {
  const { trinoUrl, catalog, schema, redis } = options;
  const trino = createTrino({ url: trinoUrl, user: 'bench', queryTimeoutSeconds: 300 });
  const queries: { sql: string; columns: readonly string[] }[] = [];
  const recording: Trino = {
    pages: (sql, query) => (queries.push({ sql, columns: query.columns }), trino.pages(sql, query)),
    rows: (sql, query) => (queries.push({ sql, columns: query.columns }), trino.rows(sql, query)),
  };
  const silver = createSilverCatalog(recording, { catalog, schema });
  const entries = await readEntries(createLakehouse(recording, silver));

  const readStarted = performance.now();
  for (const { sql, columns } of queries) for await (const page of trino.pages(sql, { columns })) void page;
  const readMs = performance.now() - readStarted;

  const writeStarted = performance.now();
  let pipeline = redis.pipeline();
  for (const entry of entries) {
    addWrites(pipeline, entry);
    if (pipeline.length < COMMANDS_PER_ROUND_TRIP) continue;
    await pipeline.exec();
    pipeline = redis.pipeline();
  }
  await pipeline.exec();
  return { readMs, writeMs: performance.now() - writeStarted, keys: entries.length };
}

/** All entries of a full warm. Reading them also records the queries. */
async function readEntries(lakehouse: ReturnType<typeof createLakehouse>): Promise<CacheEntry[]> {
  const now = new Date();
  const entries: CacheEntry[] = [];
  for await (const page of lakehouse.profileSplit(ALL_PROFILES))
    entries.push(...page.map((value) => profile.toEntry(value.kol_id, value, now.toISOString())));
  for (const kind of rankingKinds)
    for (const [platform, ranked] of await lakehouse.ranking(kind, 100))
      for (const limit of [100, 50]) entries.push(ranking.toEntry(kind, platform, limit, ranked));
  for (const [platform, items] of await lakehouse.trending(TRENDING_LIMIT, now)) {
    entries.push(trending.toHeatEntry(platform, items));
    entries.push(
      trending.toEntry(
        platform,
        items.map(({ content_id }) => content_id),
      ),
    );
  }
  entries.push(platformStats.toEntry(await lakehouse.platformStats(now)));
  for (const { day, counts } of await lakehouse.dailyStats(new Date(now.getTime() - 7 * 86_400_000), now))
    entries.push(dailyStats.toEntry(day, counts));
  const terms: string[] = [];
  for await (const page of lakehouse.searchTerms(100_000)) terms.push(...page);
  entries.push(autocomplete.toEntry(terms));
  for (const [platform, profiles] of await lakehouse.profileLists(1000))
    entries.push(profileList.toEntry(platform, profiles));
  return entries.filter((entry) => entrySize(entry) > 0);
}

function addWrites(pipeline: ReturnType<Redis['pipeline']>, entry: CacheEntry): void {
  const key = `bare:${entry.key}`;
  switch (entry.type) {
    case 'hash':
      pipeline.hset(key, entry.fields);
      break;
    case 'list':
      pipeline.rpush(key, ...entry.items);
      break;
    case 'zset':
      for (const members of inChunks(entry.members, 1000))
        pipeline.zadd(key, ...members.flatMap(([member, score]) => [score, member]));
      break;
    case 'string':
      pipeline.set(key, entry.value);
      break;
  }
  pipeline.expire(key, 60);
}
