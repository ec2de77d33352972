import type { RedisClient } from '../../clients/redis.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/run-commands.ts';
import { LUA_IS_NEWER, LUA_SCORE_TIME } from './lua-event.ts';

/** Scores in one script call: under a millisecond of Redis. */
const SCORES_PER_CALL = 100;

/**
 * Sets scores. A cached score of a newer event stays (see `isNewer`). So replays are harmless, and so are attempts that continue after
 * Temporal has timed them out. A score without an event counts as the oldest.
 * KEYS: the scores' keys
 * ARGV: TTL in seconds, then the JSON value of each key
 */
const SET_IF_NEWER = luaScript(`${LUA_IS_NEWER}${LUA_SCORE_TIME}
-- The event of a score; nil without an event, and of a value that is no score, which is replaced
local function scoreEvent(json)
  local readable, score = pcall(cjson.decode, json)
  if not readable or type(score) ~= 'table' or type(score.event_time_ms) ~= 'number' then return nil end
  local source = type(score.source) == 'table' and score.source or {}
  return newEvent(score.event_time_ms, source.topic, source.partition, source.offset, source.fenced_at_ms)
end
local function isOutdated(key, held, given)
  -- The key may have another type
  if type(held) ~= 'string' then return false end
  local heldTime, givenTime = scoreTime(held), scoreTime(given)
  if heldTime and givenTime and heldTime < givenTime then return false end
  local heldEvent, givenEvent = scoreEvent(held), scoreEvent(given)
  return heldEvent and (not givenEvent or isNewer(heldEvent, givenEvent)) and isOurs(key, heldEvent)
end
local written = 0
for i, key in ipairs(KEYS) do
  if not isOutdated(key, redis.pcall('GET', key), ARGV[i + 1]) then
    redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1])
    written = written + 1
  end
end
return written`);

/**
 * Writes scores in one round trip. A newer cached score stays.
 * @returns how many were written
 * @throws the first error from Redis
 */
export const writeScores = (redis: RedisClient, scores: readonly Score[]): Promise<number> =>
  runScript(
    redis,
    SET_IF_NEWER,
    splitIntoCalls(redis, scores, SCORES_PER_CALL).map((batch) => ({
      keys: batch.map(({ kol_id }) => score.key(kol_id)),
      args: [score.ttlSeconds, ...batch.map((value) => JSON.stringify(value))],
    })),
  );
