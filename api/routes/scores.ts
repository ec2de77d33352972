import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { score } from '../../domain/entities/score.ts';
import { allowOnly } from '../allow-only.ts';
import { idsParameter, queryOf } from '../parameters.ts';
import { scoreToJson } from '../score-to-json.ts';
import { sendMany } from '../send-many.ts';

/** /api/v1/scores: the trust scores of several KOLs. */
export function scoreRoutes(reader: CacheReader): Router {
  const router = Router({ caseSensitive: true });
  router.get('/', async (request, response) => {
    const { ids } = queryOf({ ids: idsParameter }, request);
    await sendMany(response, ids, reader.scores, score, scoreToJson);
  });
  router.all('/', allowOnly('GET'));
  return router;
}
