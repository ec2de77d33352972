import { CLOCKS_DIFFER_MS } from '../../domain/warming/table-version.ts';

/**
 * Lua: `isoTime(seconds)` is a time since 1970 as ISO 8601 text in UTC. `latestTime()` is the latest possible read time of a valid row. A
 * row with a later time was written by another client, and no read would ever replace it.
 */
export const LUA_LATEST_TIME = `
local function isoTime(seconds)
  -- Years begin in March here, so that a leap day is the last day of its year; eras have 400 years
  local days = math.floor(seconds / 86400) + 719468
  local era = math.floor(days / 146097)
  local dayOfEra = days % 146097
  local yearOfEra = math.floor(
    (dayOfEra - math.floor(dayOfEra / 1460) + math.floor(dayOfEra / 36524) - math.floor(dayOfEra / 146096)) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + math.floor(yearOfEra / 4) - math.floor(yearOfEra / 100))
  local month = math.floor((5 * dayOfYear + 2) / 153)
  local day = dayOfYear - math.floor((153 * month + 2) / 5) + 1
  local year = 400 * era + yearOfEra + (month < 10 and 0 or 1)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02dZ', year, (month + 2) % 12 + 1, day,
    math.floor(seconds % 86400 / 3600), math.floor(seconds % 3600 / 60), seconds % 60)
end
local function latestTime()
  return isoTime(redis.call('TIME')[1] + ${CLOCKS_DIFFER_MS / 1000})
end`;
