import type { RedisClient } from '../../clients/redis.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { luaScript, runScript, splitIntoCalls } from '../redis/lua-script.ts';

/** Scores in one script call: under a millisecond of Redis. */
const SCORES_PER_CALL = 100;

/**
 * Sets scores. A newer cached score stays: one of a later event time, or of the same time and a higher source offset. Replays are
 * therefore harmless, and so are activity attempts that resume after Temporal gave up on them. A score made without an event
 * (time -1) is older than every other.
 * KEYS: the scores' keys
 * ARGV: TTL in seconds, then for each key: JSON value, event time in ms, source offset
 */
const SET_IF_NEWER = luaScript(`
local function hasNewer(key, timeMs, offset)
  -- pcall: a key of another type holds no score, and is replaced
  local current = redis.pcall('GET', key)
  if type(current) ~= 'string' then return false end
  local readable, held = pcall(cjson.decode, current)
  if not readable or type(held) ~= 'table' or type(held.event_time_ms) ~= 'number' then return false end
  if held.event_time_ms ~= timeMs then return held.event_time_ms > timeMs end
  return type(held.source) == 'table' and type(held.source.offset) == 'number' and held.source.offset > offset
end
local written = 0
for i, key in ipairs(KEYS) do
  if not hasNewer(key, tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])) then
    redis.call('SET', key, ARGV[3 * i - 1], 'EX', ARGV[1])
    written = written + 1
  end
end
return written`);

/**
 * Writes scores in one round trip. A newer cached score stays.
 * @returns how many were written
 * @throws the first error that Redis answered
 */
export const writeScores = (redis: RedisClient, scores: readonly Score[]): Promise<number> =>
  runScript(
    redis,
    SET_IF_NEWER,
    splitIntoCalls(redis, scores, SCORES_PER_CALL).map((batch) => ({
      keys: batch.map(({ kol_id }) => score.key(kol_id)),
      args: [
        score.ttlSeconds,
        ...batch.flatMap((value) => [
          JSON.stringify(value),
          value.event_time_ms ?? -1,
          value.source?.offset ?? -1,
        ]),
      ],
    })),
  );
