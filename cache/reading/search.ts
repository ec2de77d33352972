import type { RedisClient } from '../../clients/redis.ts';
import { searchIndex } from '../../domain/entities/search-index.ts';
import { MAX_SCANNED } from '../../domain/search/build-index.ts';
import { parseMember, rangesOf, type SearchHit } from '../../domain/search/index-member.ts';
import { matchesWordStart, searchText } from '../../domain/search/search-text.ts';
import { ALL } from '../../domain/values/text-ids.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { reachRedis } from '../redis/reach-redis.ts';
import { fenceKey } from '../writing/read-fence.ts';
import { timeOfFence } from './look-up.ts';
import type { ReadResult, WarmOfValue } from './read-result.ts';

/** The search index cannot be read: Redis does not answer, or no warm has written the index yet. */
export class SearchUnavailableError extends Error {
  readonly code = 'SEARCH_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SearchUnavailableError';
  }
}

export interface PlatformHit extends SearchHit {
  readonly platform: string;
}

/**
 * Finds KOLs by the beginning of a word of a name, most followers first. The value is null for a platform without KOLs.
 * @param query a search text
 * @throws SearchUnavailableError
 */
export type Search = (query: string, platform: string) => Promise<ReadResult<readonly PlatformHit[]>>;

/**
 * The members that begin with a text. If very many match, the index lists the most followed ones; otherwise all are returned.
 * KEYS: index of a platform
 * ARGV: bounds of the listed members, bounds of all members, maximum number
 * Returns the TTL in seconds (-2 without an index), then the members.
 */
const FIND = luaScript(`
local found = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2])
if #found == 0 then found = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[3], ARGV[4], 'LIMIT', 0, ARGV[5]) end
return {redis.call('TTL', KEYS[1]), found}`);

/**
 * The search in the index that the warm of part `search` keeps in Redis. It never queries the lakehouse.
 * @param lastWarm the last warm of the part, if it wrote or confirmed the list of indexes. By default there is none
 */
export function createSearch(
  redis: RedisClient,
  lastWarm: (key: string, updatedAt: string) => WarmOfValue | undefined = () => undefined,
): Search {
  async function find(query: string, platforms: readonly string[]) {
    const { crowded, all } = rangesOf(query);
    const args = [...crowded, ...all, MAX_SCANNED];
    const calls = platforms.map((platform) => ({ keys: [searchIndex.key(platform)], args }));
    return runScriptEach<[ttlSeconds: number, members: string[]]>(redis, FIND, calls);
  }

  return async (query, platform) => {
    const answered = await reachRedis(async () => {
      // a warm writes this list last, so no index is from an earlier read
      const [indexed, fence] = await Promise.all([
        redis.zrange(searchIndex.key(ALL), 0, '-1'),
        redis.get(fenceKey(searchIndex.key(ALL))),
      ]);
      const wanted = platform === ALL ? indexed : indexed.filter((name) => name === platform);
      return { indexed, wanted, fence, replies: await find(query, wanted) };
    }, searchFailure);
    const { indexed, wanted, fence, replies } = answered;
    if (indexed.length === 0 || replies.some(([ttlSeconds]) => ttlSeconds === NO_KEY))
      throw new SearchUnavailableError(
        'the search index is not in Redis: no warm of part search has written it',
      );
    if (wanted.length === 0) return { value: null, outcome: 'hit', collapsed: false };
    const hits = replies.flatMap(([, members], index) => hitsOf(members, query, wanted[index] ?? ''));
    const updatedAt = timeOfFence([null, fence]);
    return {
      value: mostFollowedFirst(hits),
      outcome: 'hit',
      ttlSeconds: Math.max(0, Math.min(...replies.map(([ttlSeconds]) => ttlSeconds))),
      ...(updatedAt !== undefined && {
        updatedAt,
        lastWarm: () => lastWarm(searchIndex.key(ALL), updatedAt),
      }),
      collapsed: false,
    };
  };
}

/** The reply to TTL for a key that does not exist. */
const NO_KEY = -2;

const searchFailure = (cause: unknown) =>
  new SearchUnavailableError('Redis does not answer a search', { cause });

/** The KOLs of these members, each once. */
function hitsOf(members: readonly string[], query: string, platform: string): PlatformHit[] {
  const hits = new Map<string, PlatformHit>();
  for (const member of members) {
    const hit = parseMember(member);
    if (hit === null || hits.has(hit.kol_id)) continue;
    // members begin with a shortened text, so a long query must be compared with the name
    if (matchesWordStart(searchText(hit.name), query)) hits.set(hit.kol_id, { ...hit, platform });
  }
  return [...hits.values()];
}

const mostFollowedFirst = (hits: readonly PlatformHit[]): PlatformHit[] =>
  [...hits].sort(
    (a, b) =>
      (b.followers_count ?? -1) - (a.followers_count ?? -1) ||
      (a.kol_id < b.kol_id ? -1 : Number(a.kol_id > b.kol_id)),
  );
