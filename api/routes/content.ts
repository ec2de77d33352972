import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import type { ReadResult } from '../../cache/reading/read-result.ts';
import { isUnavailable } from '../../cache/reading/source-unavailable.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  fieldsParameter,
  idParameter,
  idsParameter,
  limitParameter,
  optionalChoice,
  platformParameter,
} from '../parameters.ts';
import { defineRoute, type Route } from '../route.ts';
import { contentSchema, manySchema, trendingSchema } from '../schemas/read-schemas.ts';
import { checkExpanded, expandableFields, selectFields } from '../select-fields.ts';
import { sendMany } from '../send-many.ts';
import { sendMixed, sendRead, valueOf } from '../send-read.ts';

/** /api/v1/content: trending content and single items. */
export const contentRoutes = (reader: CacheReader): Route[] => [
  severalRoute(reader),
  trendingRoute(reader), // before /:id, which also matches /trending
  defineRoute({
    method: 'get',
    path: '/api/v1/content/:id',
    name: 'content',
    summary: 'One video or post',
    params: { id: idParameter },
    answers: { 200: { description: 'The content', schema: contentSchema } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, params: { id }, caller }) {
      const read = await reader.content(id, caller);
      const value = valueOf(response, read, `No content ${JSON.stringify(id)}`);
      sendRead(response, read, freshness.content, content.toJson(value));
    },
  }),
];

const severalRoute = (reader: CacheReader): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/content',
    name: 'contents',
    summary: 'Several videos or posts',
    query: { ids: idsParameter, fields: fieldsParameter(Object.keys(content.fields)) },
    answers: { 200: { description: 'The content', schema: manySchema(contentSchema.partial()) } },
    problems: ['lakehouse-unavailable'],
    handle: ({ response, query, caller }) =>
      sendMany(
        response,
        query.ids,
        (ids) => reader.contents(ids, caller),
        content,
        selectFields(content.toJson, query.fields),
      ),
  });

const trendingFields = expandableFields(['rank', 'content_id'], 'content', Object.keys(content.fields));

const trendingRoute = (reader: CacheReader): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/content/trending',
    name: 'trending',
    summary: 'The content that trends most',
    query: {
      platform: platformParameter,
      limit: limitParameter(TRENDING_LIMIT, TRENDING_LIMIT),
      expand: optionalChoice(['content']),
      fields: fieldsParameter(trendingFields),
    },
    answers: { 200: { description: 'Content ids, hottest first', schema: trendingSchema } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, query, caller }) {
      const { platform, limit, expand, fields } = query;
      checkExpanded('content', query);
      const read = await reader.trending(platform, caller);
      const ids = valueOf(response, read, `No trending content for platform ${platform}`).slice(0, limit);
      const details = expand === undefined ? undefined : await reader.contents(ids, caller);
      const toJson = selectFields(
        (content_id: string, index: number) => ({
          rank: index + 1,
          content_id,
          ...(details === undefined ? {} : { content: detailOrNull(details[index]) }),
        }),
        fields,
      );
      const items = ids.map((id, index) => toJson(id, index));
      const body = { platform, limit, items };
      if (expand === undefined) sendRead(response, read, freshness.trending, body);
      // the details have their own TTL, so clients must revalidate
      else sendMixed(response, read, revalidated(freshness.trending), body);
    },
  });

/** Null for a detail that cannot be read now; the list is useful without it. @throws a defect */
function detailOrNull(result: PromiseSettledResult<ReadResult<Content>> | undefined): Content | null {
  if (result?.status === 'rejected' && !isUnavailable(result.reason)) throw result.reason;
  const value = result?.status === 'fulfilled' ? result.value.value : null;
  return value === null ? null : content.toJson(value);
}
