import type { CacheEntry } from '../../domain/schema/entry.ts';
import { luaScript, type ScriptCall } from '../redis/run-commands.ts';

/**
 * Lua: `checkMembers(command, first)` fails if the command would refuse its arguments, which begin at ARGV[first]. Only ZADD can. Call it
 * before the old members are deleted, because Redis does not roll back a failed script.
 */
export const LUA_CHECK_MEMBERS = `
local function checkMembers(command, first)
  if command ~= 'ZADD' then return end
  for i = first, #ARGV, 2 do
    local score = tonumber(ARGV[i])
    if not score or score ~= score then error('a score is not a number') end
  end
end`;

/**
 * Writes members to a key and sets its TTL. Mode 'replace' deletes the key first, because HSET alone keeps old fields; mode 'add' keeps the
 * existing members.
 * Lua unpacks at most about 8,000 values, so the script writes 4,000 at a time.
 * KEYS: the key
 * ARGV: TTL in seconds, mode, the command, then its arguments
 */
export const WRITE_MEMBERS = luaScript(`#!lua${LUA_CHECK_MEMBERS}
checkMembers(ARGV[3], 4)
if ARGV[2] == 'replace' then redis.call('DEL', KEYS[1]) end
for i = 4, #ARGV, 4000 do
  redis.call(ARGV[3], KEYS[1], unpack(ARGV, i, math.min(i + 3999, #ARGV)))
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1`);

/**
 * The call of WRITE_MEMBERS that writes an entry.
 * @param key the key of the entry, or the staging key of a set that is built in several calls
 */
export const writeMembersCall = (key: string, entry: CacheEntry, mode: 'replace' | 'add'): ScriptCall => ({
  keys: [key],
  args: [entry.ttlSeconds, mode, ...addCommand(entry)],
});

/** The command that adds an entry's members to a key, and its arguments after the key. */
export function addCommand(entry: CacheEntry): (string | number)[] {
  switch (entry.type) {
    case 'hash':
      return ['HSET', ...Object.entries(entry.fields).flat()];
    case 'list':
      return ['RPUSH', ...entry.items];
    case 'zset':
      return ['ZADD', ...entry.members.flatMap(([member, value]) => [value, member])];
    case 'string':
      return ['SET', entry.value];
  }
}
