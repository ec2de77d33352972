import type { RedisClient } from '../../clients/redis.ts';
import { removeEverywhere } from '../admin/erase-kol.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { LUA_SCORE_TIME } from './lua-event.ts';
import { areErased, type KolEvent } from './read-fence.ts';

/**
 * Writes what events say of KOLs, except of KOLs that were erased after their event: a backlog must not bring them back. An erasure that
 * runs during the write may not have seen what is written, so that KOL is removed once more. So is a KOL of whom an earlier attempt has
 * written such an event, and then failed before it could look.
 * @returns what `write` returns
 * @throws the first error that Redis answered
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
 * Whether (1 or 0) a key has what an event or an older one says.
 * KEYS: a score, or a hash made from an event
 * ARGV: the time of the event
 */
const HOLDS_EVENT = luaScript(`${LUA_SCORE_TIME}
local json = redis.pcall('GET', KEYS[1])
local ofHash = redis.pcall('HGET', KEYS[1], 'event_time_ms')
local time = type(json) == 'string' and scoreTime(json) or type(ofHash) == 'string' and tonumber(ofHash)
return time and time <= tonumber(ARGV[1]) and 1 or 0`);

/** Those of these events that Redis has, each as it is or an older one. */
async function heldEvents<E extends KolEvent>(redis: RedisClient, events: readonly E[]): Promise<E[]> {
  const ofKeys = events.flatMap((event) => event.keys.map((key) => ({ event, key })));
  const calls = ofKeys.map(({ event, key }) => ({ keys: [key], args: [event.event_time_ms] }));
  const held = await runScriptEach(redis, HOLDS_EVENT, calls);
  return ofKeys.flatMap(({ event }, index) => (held[index] === 1 ? [event] : []));
}
