import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { content } from '../../domain/entities/content.ts';
import { KOL_CONTENT_LIMIT } from '../../domain/entities/kol-content.ts';
import { freshness, revalidated } from '../freshness.ts';
import { fieldsParameter, idParameter, limitParameter } from '../parameters.ts';
import { tableShrunk } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { kolContentSchema } from '../schemas/read-schemas.ts';
import { selectFields } from '../select-fields.ts';
import { sendRead, valueOf } from '../send-read.ts';

/** /api/v1/kols/:id/content: the content of a KOL. */
export const kolContentRoute = (reader: CacheReader): Route =>
  defineRoute({
    method: 'get',
    path: '/api/v1/kols/:id/content',
    name: 'kol_content',
    summary: 'The content of a KOL, newest first',
    params: { id: idParameter },
    query: {
      limit: limitParameter(KOL_CONTENT_LIMIT, KOL_CONTENT_LIMIT),
      fields: fieldsParameter(Object.keys(content.fields)),
    },
    answers: { 200: { description: 'The content', schema: kolContentSchema } },
    problems: ['not-found', 'lakehouse-unavailable'],
    async handle({ response, params: { id }, query: { limit, fields }, caller }) {
      const read = await reader.kolContent(id, caller);
      // for a KOL without content the answer is an empty list, for an unknown KOL a 404
      if (read.value === null && read.refused) throw tableShrunk;
      if (read.value === null)
        valueOf(response, await reader.profile(id, caller), `No KOL ${JSON.stringify(id)}`);
      const toJson = selectFields(content.toJson, fields);
      const items = (read.value ?? []).slice(0, limit).map((item) => toJson(item));
      const fresh = read.value === null ? revalidated(freshness.kolContent) : freshness.kolContent;
      sendRead(response, read, fresh, { kol_id: id, limit, items });
    },
  });
