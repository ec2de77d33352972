import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { allowOnly } from '../allow-only.ts';
import { freshness } from '../freshness.ts';
import { queryOf } from '../parameters.ts';
import { sendRead, valueOf } from '../send-read.ts';

/** /api/v1/stats: statistics over all platforms. */
export function statsRoutes(reader: CacheReader): Router {
  const router = Router({ caseSensitive: true });
  router.get('/', async (request, response) => {
    queryOf({}, request);
    const read = await reader.platformStats();
    sendRead(response, read, freshness.stats, valueOf(response, read, 'No statistics'));
  });
  router.all('/', allowOnly('GET'));
  return router;
}
