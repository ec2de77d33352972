import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import type { ReadResult } from '../../cache/reading/read-through.ts';
import { SourceUnavailableError } from '../../cache/reading/source-unavailable.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { allowOnly } from '../allow-only.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  idOf,
  idsParameter,
  limitParameter,
  optionalChoice,
  platformParameter,
  queryOf,
} from '../parameters.ts';
import { sendMany } from '../send-many.ts';
import { ofManyReads, sendRead, valueOf } from '../send-read.ts';

const trendingQuery = {
  platform: platformParameter,
  limit: limitParameter(TRENDING_LIMIT, TRENDING_LIMIT),
  expand: optionalChoice(['content']),
};

/** /api/v1/content: trending content and single items. */
export function contentRoutes(reader: CacheReader): Router {
  const router = Router({ caseSensitive: true });

  router.get('/', async (request, response) => {
    const { ids } = queryOf({ ids: idsParameter }, request);
    await sendMany(response, ids, reader.contents, content, content.toJson);
  });

  router.get('/trending', async (request, response) => {
    const { platform, limit, expand } = queryOf(trendingQuery, request);
    const read = await reader.trending(platform);
    const ids = valueOf(response, read, `No trending content for platform ${platform}`).slice(0, limit);
    const details = expand === undefined ? undefined : await reader.contents(ids);
    const items = ids.map((content_id, index) => ({
      rank: index + 1,
      content_id,
      ...(details === undefined ? {} : { content: detailOrNull(details[index]) }),
    }));
    // The details have their own TTL, so clients must revalidate.
    const fresh = expand === undefined ? freshness.trending : revalidated(freshness.trending);
    sendRead(response, expand === undefined ? read : ofManyReads(read), fresh, { platform, limit, items });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.content(id);
    const value = valueOf(response, read, `No content ${JSON.stringify(id)}`);
    sendRead(response, read, freshness.content, content.toJson(value));
  });

  for (const path of ['/', '/trending', '/:id']) router.all(path, allowOnly('GET'));
  return router;
}

/** Null for a detail that cannot be read now: the list is useful without it. @throws a defect */
function detailOrNull(result: PromiseSettledResult<ReadResult<Content>> | undefined): Content | null {
  if (result?.status === 'rejected' && !(result.reason instanceof SourceUnavailableError))
    throw result.reason;
  const value = result?.status === 'fulfilled' ? result.value.value : null;
  return value === null ? null : content.toJson(value);
}
