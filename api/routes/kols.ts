import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { profile } from '../../domain/entities/profile.ts';
import { rankingKinds, type RankingEntry } from '../../domain/entities/ranking.ts';
import { cachedProfileJson } from '../cached-profile-json.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  choiceParameter,
  fieldsParameter,
  idParameter,
  limitParameter,
  optionalChoice,
  platformParameter,
} from '../parameters.ts';
import { defineRoute, type Route } from '../route.ts';
import { profileSchema, rankingSchema, scoreSchema, versionedHeaders } from '../schemas/read-schemas.ts';
import { checkExpanded, expandableFields, selectFields } from '../select-fields.ts';
import { sendMixed, sendRead, valueOf } from '../send-read.ts';
import { scoreToJson } from '../score-to-json.ts';
import { kolContentRoute } from './kol-content.ts';
import { kolListRoute } from './kol-list.ts';

/** The maximum length of a ranking in one answer. */
const MAX_RANKING_ITEMS = 100;

const rankedFields = expandableFields(['rank', 'kol_id', 'score'], 'profile', Object.keys(profile.fields));

/** /api/v1/kols: rankings, profiles and trust scores. */
export const kolRoutes = (
  reader: CacheReader,
  { rankingLimits, listSize }: { readonly rankingLimits: readonly number[]; readonly listSize: number },
): Route[] => [
  kolListRoute(reader, listSize),
  topRoute(reader, rankingLimits), // before /:id, which also matches /top
  defineRoute({
    method: 'get',
    path: '/api/v1/kols/:id',
    name: 'profile',
    summary: 'One profile',
    params: { id: idParameter },
    answers: { 200: { description: 'The profile', schema: profileSchema, headers: versionedHeaders } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, params: { id }, caller }) {
      const read = await reader.profile(id, caller);
      const value = valueOf(response, read, `No KOL ${JSON.stringify(id)}`);
      sendRead(response, read, freshness.profile, profile.toJson(value));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/kols/:id/score',
    name: 'score',
    summary: 'The trust score of a KOL',
    params: { id: idParameter },
    answers: { 200: { description: 'The score', schema: scoreSchema } },
    problems: ['not-found', 'lakehouse-unavailable', 'model-unavailable', 'score-refused'],
    async handle({ response, params: { id }, caller }) {
      const read = await reader.score(id, caller);
      const value = valueOf(response, read, `No score and no features for KOL ${JSON.stringify(id)}`);
      sendRead(response, read, freshness.score, scoreToJson(value, read));
    },
  }),
  kolContentRoute(reader),
];

const topRoute = (reader: CacheReader, rankingLimits: readonly number[]): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/kols/top',
    name: 'top',
    summary: 'The KOLs with the most followers, or with the highest mean engagement rate',
    query: {
      platform: platformParameter,
      by: choiceParameter(rankingKinds, 'followers'),
      limit: limitParameter(MAX_RANKING_ITEMS, MAX_RANKING_ITEMS),
      expand: optionalChoice(['profile']),
      fields: fieldsParameter(rankedFields),
    },
    answers: {
      200: { description: 'KOLs, highest score first', schema: rankingSchema, headers: versionedHeaders },
    },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, query, caller }) {
      const { platform, by, limit, expand, fields } = query;
      checkExpanded('profile', query);
      const id = { kind: by, platform, limit: cachedLimit(rankingLimits, limit) };
      const read = await reader.ranking(id, caller);
      const ranked = valueOf(response, read, `No ranking by ${by} for platform ${platform}`).slice(0, limit);
      const profiles =
        expand === undefined ? undefined : await reader.cachedProfiles(ranked.map(({ kol_id }) => kol_id));
      const toJson = selectFields(
        ({ kol_id, score: value }: RankingEntry, index: number) => ({
          rank: index + 1,
          kol_id,
          score: value,
          ...(profiles === undefined ? {} : { profile: cachedProfileJson(profiles, kol_id) }),
        }),
        fields,
      );
      const items = ranked.map((entry, index) => toJson(entry, index));
      const body = { by, platform, limit, items };
      if (expand === undefined) sendRead(response, read, freshness.ranking, body);
      // the set of cached profiles changes every second, so clients must revalidate
      else sendMixed(response, read, revalidated(freshness.ranking), body);
    },
  });

/** The smallest cached ranking that has at least `limit` items. If all are shorter: the maximum length. */
export const cachedLimit = (cachedLimits: readonly number[], limit: number): number =>
  cachedLimits.filter((cached) => cached >= limit).sort((a, b) => a - b)[0] ?? MAX_RANKING_ITEMS;
