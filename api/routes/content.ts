import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { SourceUnavailableError } from '../../cache/reading/source-unavailable.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import { idOf, limitParameter, optionalChoice, platformParameter, queryOf } from '../parameters.ts';
import { sendRead, valueOf } from '../send-read.ts';

const trendingQuery = {
  platform: platformParameter,
  limit: limitParameter(TRENDING_LIMIT, TRENDING_LIMIT),
  expand: optionalChoice(['content']),
};

/** /api/v1/content: trending content and single items. */
export function contentRoutes(reader: CacheReader): Router {
  const router = Router({ caseSensitive: true });

  router.get('/trending', async (request, response) => {
    const { platform, limit, expand } = queryOf(trendingQuery, request);
    const read = await reader.trending(platform);
    const ids = valueOf(response, read, `No trending content for platform ${platform}`).slice(0, limit);
    const details = expand === undefined ? undefined : await Promise.all(ids.map(contentOrNull));
    const items = ids.map((content_id, index) => ({
      rank: index + 1,
      content_id,
      ...(details === undefined ? {} : { content: details[index] ?? null }),
    }));
    // The details have their own TTL, so clients must revalidate.
    sendRead(response, read, { ...trending, revalidate: expand !== undefined }, { platform, limit, items });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.content(id);
    sendRead(response, read, content, valueOf(response, read, `No content ${JSON.stringify(id)}`));
  });

  return router;

  /** Null while the lakehouse is unavailable: the list is useful without details. */
  async function contentOrNull(id: string): Promise<Content | null> {
    try {
      return (await reader.content(id)).value;
    } catch (error) {
      if (error instanceof SourceUnavailableError) return null;
      throw error;
    }
  }
}
