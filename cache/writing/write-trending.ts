import type { RedisClient } from '../../clients/redis.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import type { TrendingMove } from '../../domain/scoring/refresh-content.ts';
import { groupBy } from '../../domain/values/lists.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';

/**
 * Moves items in a trending list to the position of their new heat, and keeps the list's TTL. Readers see the old or the new list. The
 * order needs the heat of all items, which a warm writes. If it is missing or has another type, the script does nothing, and the next warm
 * adds the items. The script removes the old items after it has added the new ones: while a slot of a cluster moves, a deleted list could
 * not be written again on this node.
 * KEYS: heat of the list's items, the list
 * ARGV: maximum length, then content id, heat, '1' if the item may enter the list (else it only moves if listed), …
 */
const MOVE_ITEMS = luaScript(`
local ttl = redis.call('PTTL', KEYS[1])
if ttl <= 0 or redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return 0 end
local moved = 0
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '1' or redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i])
    moved = moved + 1
  end
end
if moved == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[1]))
if redis.call('TYPE', KEYS[2]).ok ~= 'list' then redis.call('UNLINK', KEYS[2]) end
local old = redis.call('LLEN', KEYS[2])
redis.call('RPUSH', KEYS[2], unpack(redis.call('ZREVRANGE', KEYS[1], 0, -1)))
redis.call('LTRIM', KEYS[2], old, -1)
redis.call('PEXPIRE', KEYS[2], ttl)
return moved`);

/** Moves items in the list of their platform and in the list of all platforms. @returns how many items were moved, over all lists */
export function updateTrending(redis: RedisClient, moves: readonly TrendingMove[]): Promise<number> {
  const listings = moves.flatMap((move) => [move.platform, ALL].map((platform) => ({ platform, move })));
  return runScript(
    redis,
    MOVE_ITEMS,
    [...groupBy(listings, ({ platform }) => platform)].map(([platform, listed]) => ({
      keys: [trending.heatKey(platform), trending.key(platform)],
      args: [
        TRENDING_LIMIT,
        ...listed.flatMap(({ move }) => [move.content_id, move.heat, move.mayEnter ? '1' : '0']),
      ],
    })),
  );
}
