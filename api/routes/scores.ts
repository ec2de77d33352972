import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { score } from '../../domain/entities/score.ts';
import { fieldsParameter, idsParameter } from '../parameters.ts';
import { defineRoute, type Route } from '../route.ts';
import { manySchema, scoreSchema } from '../schemas/read-schemas.ts';
import { scoreToJson } from '../score-to-json.ts';
import { selectFields } from '../select-fields.ts';
import { sendMany } from '../send-many.ts';

/** /api/v1/scores: the trust scores of several KOLs. */
export const scoreRoutes = (reader: CacheReader): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/scores',
    name: 'scores',
    summary: 'The trust scores of several KOLs',
    query: { ids: idsParameter, fields: fieldsParameter(Object.keys(scoreSchema.shape)) },
    answers: { 200: { description: 'The scores', schema: manySchema(scoreSchema.partial()) } },
    problems: ['lakehouse-unavailable', 'model-unavailable', 'score-refused'],
    handle: ({ response, query, caller }) =>
      sendMany(
        response,
        query.ids,
        (ids) => reader.scores(ids, caller),
        score,
        selectFields(scoreToJson, query.fields),
      ),
  }),
];
