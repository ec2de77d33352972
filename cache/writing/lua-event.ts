import type { EventSource } from '../../domain/kafka-location.ts';
import { MAX_CLOCK_SKEW_MS } from '../../domain/scoring/event-fields.ts';
import { CLOCKS_DIFFER_MS } from '../../domain/warming/table-version.ts';

/** Time and source of an event: they decide which of two events is newer. */
export interface EventPosition {
  readonly event_time_ms: number;
  readonly source: EventSource;
}

/** The fields of a hash that hold the position of the event that wrote it. */
export const EVENT_FIELDS = [
  'event_time_ms',
  'source_topic',
  'source_partition',
  'source_offset',
  'source_fenced_at_ms',
] as const;

/** The event fields and their values, as script arguments, in the order of EVENT_FIELDS. */
export function eventArgs({ event_time_ms, source }: EventPosition): (string | number)[] {
  const { topic, partition, offset, fenced_at_ms } = source;
  const values = [event_time_ms, topic, partition, offset, fenced_at_ms ?? ''];
  return EVENT_FIELDS.flatMap((field, index) => [field, values[index] ?? '']);
}

/**
 * Lua: `newEvent(timeMs, topic, partition, offset, fencedAtMs)` is an event; values that are no numbers count as unknown.
 *
 * `isNewer(one, other)` returns whether one event is newer than another. The later time wins. With equal times in the same partition, the
 * higher offset wins; for the same record, the attempt that fenced the partition later. With equal times in different partitions neither is
 * newer, because their offsets are not comparable, and the later write wins.
 *
 * `isOurs(key, event)` returns whether one of our writers can have written the event that a key holds. We set a TTL, and events are at most
 * 5 minutes ahead of their arrival. Another program may write microseconds: no later event would ever be newer than that one.
 */
export const LUA_IS_NEWER = `
local function newEvent(timeMs, topic, partition, offset, fencedAtMs)
  return {
    timeMs = tonumber(timeMs), topic = topic, partition = tonumber(partition),
    offset = tonumber(offset) or -1, fencedAtMs = tonumber(fencedAtMs) or -1,
  }
end
local function isNewer(one, other)
  if one.timeMs ~= other.timeMs then return one.timeMs > other.timeMs end
  if one.topic ~= other.topic or one.partition ~= other.partition then return false end
  if one.offset ~= other.offset then return one.offset > other.offset end
  return one.fencedAtMs > other.fencedAtMs
end
local latestMs
local function isOurs(key, event)
  latestMs = latestMs or redis.call('TIME')[1] * 1000 + ${MAX_CLOCK_SKEW_MS + CLOCKS_DIFFER_MS}
  return event.timeMs <= latestMs and redis.call('PTTL', key) >= 0
end`;

/**
 * Lua: `hashEvent(key)` is the event that wrote a hash, nil when none of ours did. `argsEvent(first)` is the event in the
 * arguments from `eventArgs`, which begin at ARGV[first].
 */
export const LUA_HASH_EVENT = `${LUA_IS_NEWER}
local function hashEvent(key)
  -- pcall: a key of another type holds no event
  local held = redis.pcall('HMGET', key, '${EVENT_FIELDS.join("', '")}')
  if held.err or not tonumber(held[1] or '') then return nil end
  local event = newEvent(unpack(held))
  return isOurs(key, event) and event or nil
end
local function argsEvent(first)
  return newEvent(ARGV[first + 1], ARGV[first + 3], ARGV[first + 5], ARGV[first + 7], ARGV[first + 9])
end`;

/**
 * Lua: `scoreTime(json)` is the time of the event of a score; nil without one. It searches for the field instead of decoding the JSON,
 * which would take most of the time of a script. A plain search is several times as fast as a pattern. It is safe, because quotes inside
 * JSON texts are escaped.
 */
export const LUA_SCORE_TIME = `
local function scoreTime(json)
  local _, nameEnd = string.find(json, '"event_time_ms":', 1, true)
  return nameEnd and tonumber(string.match(json, '^ ?(%d+)[,}]', nameEnd + 1) or '')
end`;
