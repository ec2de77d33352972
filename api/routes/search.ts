import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import type { PlatformHit } from '../../cache/reading/search.ts';
import type { RecentSearches } from '../../cache/writing/recent-searches.ts';
import { reachRedis } from '../../cache/redis/reach-redis.ts';
import { profile } from '../../domain/entities/profile.ts';
import { MAX_LISTED } from '../../domain/search/build-index.ts';
import { searchText } from '../../domain/search/search-text.ts';
import { trimInvisible } from '../../domain/values/text-ids.ts';
import { cachedProfileJson } from '../cached-profile-json.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  fieldsParameter,
  idParameter,
  limitParameter,
  optionalChoice,
  optionalUserParameter,
  platformParameter,
  searchParameter,
} from '../parameters.ts';
import { defineRoute, type Route } from '../route.ts';
import { hitFields, recentSearchesSchema, searchSchema, suggestSchema } from '../schemas/read-schemas.ts';
import { checkExpanded, expandableFields, selectFields } from '../select-fields.ts';
import { sendMixed, valueOf } from '../send-read.ts';

const DEFAULT_RESULTS = 20;
const MAX_SUGGESTIONS = 20;
const DEFAULT_SUGGESTIONS = 10;

/** /api/v1/search and /api/v1/users: KOLs by name, and the recent searches of users. */
export const searchRoutes = (reader: CacheReader, recent: RecentSearches): Route[] => [
  searchRoute(reader, recent),
  suggestRoute(reader),
  defineRoute({
    method: 'get',
    path: '/api/v1/users/:id/searches',
    name: 'user_searches',
    summary: 'The latest searches of a user, newest first',
    token: 'required',
    params: { id: idParameter },
    answers: { 200: { description: 'The searches', schema: recentSearchesSchema } },
    problems: ['cache-unavailable'],
    async handle({ response, params: { id } }) {
      response.json({ user_id: id, items: await reachRedis(() => recent.read(id)) });
    },
  }),
];

const searchRoute = (reader: CacheReader, recent: RecentSearches): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/search',
    name: 'search',
    summary: 'KOLs by the beginning of a word of their names, most followers first',
    token: { with: 'user_id' },
    query: {
      q: searchParameter,
      platform: platformParameter,
      limit: limitParameter(MAX_LISTED, DEFAULT_RESULTS),
      expand: optionalChoice(['profile']),
      fields: fieldsParameter(expandableFields(hitFields, 'profile', Object.keys(profile.fields))),
      user_id: optionalUserParameter,
    },
    answers: { 200: { description: 'The KOLs', schema: searchSchema } },
    problems: ['not-found', 'search-unavailable'],
    async handle({ request, response, query }) {
      const { q, platform, limit, expand, fields, user_id } = query;
      checkExpanded('profile', query);
      const read = await reader.search(searchText(q), platform);
      const hits = valueOf(response, read, `No KOLs for platform ${platform}`).slice(0, limit);
      if (user_id !== undefined)
        // the answer does not depend on this write
        await recent
          .record(user_id, trimInvisible(q))
          .catch((error: unknown) => request.log.warn({ error }, 'a search could not be kept'));
      const profiles =
        expand === undefined ? undefined : await reader.cachedProfiles(hits.map(({ kol_id }) => kol_id));
      const toJson = selectFields(
        (hit: PlatformHit) => ({
          ...hit,
          ...(profiles === undefined ? {} : { profile: cachedProfileJson(profiles, hit.kol_id) }),
        }),
        fields,
      );
      const items = hits.map((hit) => toJson(hit));
      const isKept = expand === undefined && user_id === undefined;
      sendMixed(response, read, isKept ? freshness.search : revalidated(freshness.search), {
        q,
        platform,
        limit,
        items,
      });
    },
  });

const suggestRoute = (reader: CacheReader): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/search/suggest',
    name: 'suggest',
    summary: 'Names to complete what a user types, those of the most followed KOLs first',
    query: {
      prefix: searchParameter,
      platform: platformParameter,
      limit: limitParameter(MAX_SUGGESTIONS, DEFAULT_SUGGESTIONS),
      fields: fieldsParameter(hitFields),
    },
    answers: { 200: { description: 'The names, each once', schema: suggestSchema } },
    problems: ['not-found', 'search-unavailable'],
    async handle({ response, query: { prefix, platform, limit, fields } }) {
      const read = await reader.search(searchText(prefix), platform);
      const hits = valueOf(response, read, `No KOLs for platform ${platform}`);
      const toJson = selectFields((hit: PlatformHit) => hit, fields);
      const items = distinctNames(hits)
        .slice(0, limit)
        .map((hit) => toJson(hit));
      // built from the indexes of several platforms
      sendMixed(response, read, freshness.search, { prefix, platform, limit, items });
    },
  });

/** Keeps the first of several KOLs with the same name. */
function distinctNames(hits: readonly PlatformHit[]): PlatformHit[] {
  const names = new Map<string, PlatformHit>();
  for (const hit of hits) {
    const name = searchText(hit.name);
    if (!names.has(name)) names.set(name, hit);
  }
  return [...names.values()];
}
