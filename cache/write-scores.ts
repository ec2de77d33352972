import type { RedisClient } from '../clients/redis.ts';
import { score, type Score } from '../domain/entities/score.ts';
import { runScript, script } from './run-script.ts';

/**
 * Sets a score unless a newer one is there: later event time, then higher source offset. Replays and attempts that were
 * given up and woke again are harmless so. A score made without an event (null time) gives way to any.
 */
const SET_IF_NEWER = script(`
-- pcall: a key of another type is no score, and is replaced
local current = redis.pcall('GET', KEYS[1])
if type(current) == 'string' then
  local readable, old = pcall(cjson.decode, current)
  if readable and type(old) == 'table' and type(old.event_time_ms) == 'number' then
    local time, offset = tonumber(ARGV[3]), tonumber(ARGV[4])
    if old.event_time_ms > time then return 0 end
    if old.event_time_ms == time and type(old.source) == 'table' and old.source.offset > offset then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1`);

/**
 * Writes scores in one round trip, never over a newer one; each is one script call on one key.
 * @returns how many were written; the rest found a newer score
 * @throws the first error that Redis answered
 */
export const writeScores = (redis: RedisClient, scores: readonly Score[]): Promise<number> =>
  runScript(
    redis,
    SET_IF_NEWER,
    scores.map((value) => ({
      keys: [score.key(value.kol_id)],
      args: [JSON.stringify(value), score.ttlSeconds, value.event_time_ms ?? -1, value.source?.offset ?? -1],
    })),
  );
