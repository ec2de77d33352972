import type { RedisClient } from '../../clients/redis.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { runScript, luaScript } from '../redis/lua-script.ts';
import { groupIntoCalls } from '../redis/cluster-pipeline.ts';

/** Scores in one script call: under a millisecond of Redis. */
const CALL_SCORES = 100;

/**
 * Sets scores, each unless a newer one is there: later event time, then higher source offset. Replays and attempts that were
 * given up and woke again are harmless so. A score made without an event (null time) gives way to any.
 * ARGV: TTL, then for each key its value, event time and offset
 */
const SET_IF_NEWER = luaScript(`
local function hasNewer(key, time, offset)
  -- pcall: a key of another type is no score, and is replaced
  local current = redis.pcall('GET', key)
  if type(current) ~= 'string' then return false end
  local readable, old = pcall(cjson.decode, current)
  if not readable or type(old) ~= 'table' or type(old.event_time_ms) ~= 'number' then return false end
  if old.event_time_ms ~= time then return old.event_time_ms > time end
  return type(old.source) == 'table' and type(old.source.offset) == 'number' and old.source.offset > offset
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
 * Writes scores in one round trip, never over a newer one.
 * @returns how many were written; the rest found a newer score
 * @throws the first error that Redis answered
 */
export const writeScores = (redis: RedisClient, scores: readonly Score[]): Promise<number> =>
  runScript(
    redis,
    SET_IF_NEWER,
    groupIntoCalls(redis, scores, CALL_SCORES).map((together) => ({
      keys: together.map(({ kol_id }) => score.key(kol_id)),
      args: [
        score.ttlSeconds,
        ...together.flatMap((value) => [
          JSON.stringify(value),
          value.event_time_ms ?? -1,
          value.source?.offset ?? -1,
        ]),
      ],
    })),
  );
