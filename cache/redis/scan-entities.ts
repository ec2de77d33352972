import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from '../../clients/redis.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { LUA_LATEST_TIME } from './lua-clock.ts';
import { luaScript, runScriptEach, splitIntoCalls } from './run-commands.ts';
import { findMasters } from './master-nodes.ts';

/** A lakehouse row in the cache. */
export interface CachedEntity {
  readonly id: string;
  /**
   * When the row was read from the lakehouse, ISO 8601. '' for a stray key: without such a time, with a future one, of another type, or
   * without a TTL.
   */
  readonly cachedAt: string;
}

/** Keys in one SCAN step and in one script call: each blocks Redis for about a millisecond. */
const SCAN_COUNT = 250;

/**
 * Yields all cached rows of an entity in bounded pages. Rows that are written during the scan, or that move to another node of a cluster,
 * may be missed or yielded twice.
 * @throws the first error from Redis
 */
export async function* scanEntities(
  redis: RedisClient,
  { key: keyOf }: Pick<TableEntity<Fields>, 'key'>,
): AsyncGenerator<CachedEntity[]> {
  const prefix = keyOf('');
  for await (const keys of scanKeys(redis, prefix)) {
    const ids = keys.map((key) => key.slice(prefix.length));
    const calls = splitIntoCalls(redis, keys, SCAN_COUNT).map((some) => ({ keys: some, args: [] }));
    const times = (await runScriptEach<string[]>(redis, READ_TIMES, calls)).flat();
    yield ids
      .map((id, index) => ({ id, cachedAt: times[index] ?? GONE }))
      .filter(({ cachedAt }) => cachedAt !== GONE);
  }
}

/**
 * Yields all keys with a prefix in bounded pages. Keys that are written during the scan, or that move to another node of a cluster, may be
 * missed or yielded twice. Do not send commands to the node of a page: while a slot moves, a node also lists keys that it no longer serves.
 * @param prefix without special characters of glob patterns; all keys by default
 * @throws the first error from Redis, also if only one master of a cluster fails
 */
export async function* scanKeys(redis: RedisClient, prefix = ''): AsyncGenerator<string[]> {
  yield* scanNodes(await findMasters(redis), prefix);
}

/**
 * Like `scanKeys`, but also yields keys that move to another master during the scan. It scans a cluster twice, because a key can move to a
 * master that was already scanned. Most keys of a cluster are yielded twice.
 */
export async function* scanMovingKeys(redis: RedisClient): AsyncGenerator<string[]> {
  yield* scanKeys(redis);
  if (redis instanceof Cluster) yield* scanNodes((await findMasters(redis)).reverse(), '');
}

async function* scanNodes(nodes: readonly Redis[], prefix: string): AsyncGenerator<string[]> {
  for (const node of nodes) {
    let cursor = '0';
    do {
      const [nextCursor, keys] = await node.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', SCAN_COUNT);
      cursor = nextCursor;
      if (keys.length > 0) yield keys;
    } while (cursor !== '0');
  }
}

/** The time of a key that has expired since SCAN listed it. */
const GONE = 'gone';

/**
 * The times of many rows: '' for a key without a time, with a future one, of another type, or without a TTL.
 * KEYS: hashes
 */
const READ_TIMES = luaScript(`${LUA_LATEST_TIME}
local times, latest = {}, latestTime()
for i, key in ipairs(KEYS) do
  local ttl, time = redis.call('PTTL', key), redis.pcall('HGET', key, 'cached_at')
  if ttl == -2 then
    times[i] = '${GONE}'
  else
    times[i] = ttl >= 0 and type(time) == 'string' and time <= latest and time or ''
  end
end
return times`);

/**
 * One field of many hashes; "" if a hash lacks it or the key has another type.
 * KEYS: hashes
 * ARGV: the field
 */
const READ_FIELD = luaScript(`
local values = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('HGET', key, ARGV[1])
  values[i] = type(value) == 'string' and value or ''
end
return values`);

/** One field of these rows in the order of the ids; "" if it is not cached. @throws the first error from Redis */
export async function readCachedField(
  redis: RedisClient,
  { key: keyOf }: Pick<TableEntity<Fields>, 'key'>,
  ids: readonly string[],
  field: string,
): Promise<string[]> {
  const calls = splitIntoCalls(redis, ids.map(keyOf), SCAN_COUNT).map((keys) => ({ keys, args: [field] }));
  return (await runScriptEach<string[]>(redis, READ_FIELD, calls)).flat();
}
