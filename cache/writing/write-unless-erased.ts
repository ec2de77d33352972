import type { RedisClient } from '../../clients/redis.ts';
import { removeEverywhere } from '../admin/erase-kol.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { LUA_SCORE_TIME } from './lua-event.ts';
import { areErased, type KolEvent } from './read-fence.ts';

/**
 * Writes values of events, except for KOLs that were erased after their event: a backlog must not cache them again. An erasure during the
 * write may miss the new values, so such a KOL is removed once more. The same applies to a KOL for which an earlier attempt wrote such an
 * event and then failed before this check.
 * @returns the result of `write`
 * @throws the first error from Redis
 */
export async function writeUnlessErased<E extends KolEvent, R>(
  redis: RedisClient,
  events: readonly E[],
  write: (events: readonly E[]) => Promise<R>,
): Promise<R> {
  const wereErased = await areErased(redis, events);
  const written = events.filter((_, index) => wereErased[index] !== true);
  const result = await write(written);
  const erased = await areErased(redis, written);
  const left = [
    ...written.filter((_, index) => erased[index] === true),
    ...(await heldEvents(
      redis,
      events.filter((_, index) => wereErased[index] === true),
    )),
  ];
  for (const kolId of new Set(left.flatMap(({ kolIds }) => kolIds))) await removeEverywhere(redis, kolId);
  return result;
}

/**
 * Returns 1 if a key holds the value of this event or of an older one, else 0.
 * KEYS: a score, or a hash made from an event
 * ARGV: the time of the event
 */
const HOLDS_EVENT = luaScript(`${LUA_SCORE_TIME}
local json = redis.pcall('GET', KEYS[1])
local ofHash = redis.pcall('HGET', KEYS[1], 'event_time_ms')
local time = type(json) == 'string' and scoreTime(json) or type(ofHash) == 'string' and tonumber(ofHash)
return time and time <= tonumber(ARGV[1]) and 1 or 0`);

/** The events whose keys in Redis hold their value or an older one. */
async function heldEvents<E extends KolEvent>(redis: RedisClient, events: readonly E[]): Promise<E[]> {
  const ofKeys = events.flatMap((event) => event.keys.map((key) => ({ event, key })));
  const calls = ofKeys.map(({ event, key }) => ({ keys: [key], args: [event.event_time_ms] }));
  const held = await runScriptEach(redis, HOLDS_EVENT, calls);
  return ofKeys.flatMap(({ event }, index) => (held[index] === 1 ? [event] : []));
}
