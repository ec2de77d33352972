import type { RedisClient } from '../../clients/redis.ts';
import { engagement, type Engagement } from '../../domain/entities/engagement.ts';
import { luaScript, runScript } from '../redis/run-commands.ts';
import { eventArgs, LUA_HASH_EVENT, type EventPosition } from './lua-event.ts';
import { hashArgs, LUA_REPLACE_HASH } from './lua-hash.ts';

/**
 * Replaces a hash. A hash that holds a newer event stays.
 * KEYS: the hash
 * ARGV: TTL in seconds, then field, value, …, beginning with those of the event
 */
const REPLACE_IF_NEWER = luaScript(`#!lua${LUA_HASH_EVENT}${LUA_REPLACE_HASH}
local held = hashEvent(KEYS[1])
if held and isNewer(held, argsEvent(2)) then return 0 end
replaceHash(KEYS[1], ARGV[1], unpack(ARGV, 2))
return 1`);

/**
 * Stores the engagement of each KOL's latest video. An engagement from a newer event stays.
 * @returns how many were written
 * @throws the first error from Redis
 */
export const writeEngagement = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly engagement: Engagement })[],
): Promise<number> =>
  runScript(
    redis,
    REPLACE_IF_NEWER,
    items.map(({ engagement: value, ...position }) => {
      const entry = engagement.toEntry(value);
      const args = [entry.ttlSeconds, ...eventArgs(position), ...hashArgs(entry)];
      return { keys: [entry.key], args };
    }),
  );
