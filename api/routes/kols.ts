import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { profile } from '../../domain/entities/profile.ts';
import { ranking, rankingKinds } from '../../domain/entities/ranking.ts';
import { score } from '../../domain/entities/score.ts';
import {
  choiceParameter,
  idOf,
  limitParameter,
  optionalChoice,
  platformParameter,
  queryOf,
} from '../parameters.ts';
import { sendRead, valueOf } from '../send-read.ts';

/** The maximum length of a ranking in one answer. */
const MAX_RANKING_ITEMS = 100;

const topQuery = {
  platform: platformParameter,
  by: choiceParameter(rankingKinds, 'followers'),
  limit: limitParameter(MAX_RANKING_ITEMS, MAX_RANKING_ITEMS),
  expand: optionalChoice(['profile']),
};

/** /api/v1/kols: rankings, profiles and trust scores. */
export function kolRoutes(reader: CacheReader, rankingLimits: readonly number[]): Router {
  const router = Router({ caseSensitive: true });

  // Must be registered before /:id, which also matches /top.
  router.get('/top', async (request, response) => {
    const { platform, by, limit, expand } = queryOf(topQuery, request);
    const read = await reader.ranking({ kind: by, platform, limit: cachedLimit(rankingLimits, limit) });
    const ranked = valueOf(response, read, `No ranking by ${by} for platform ${platform}`).slice(0, limit);
    const profiles =
      expand === undefined ? undefined : await reader.cachedProfiles(ranked.map(({ kol_id }) => kol_id));
    const items = ranked.map(({ kol_id, score: value }, index) => ({
      rank: index + 1,
      kol_id,
      score: value,
      ...(profiles === undefined ? {} : { profile: profiles.get(kol_id) ?? null }),
    }));
    // The set of cached profiles changes every second, so clients must revalidate.
    sendRead(
      response,
      read,
      { ...ranking, revalidate: expand !== undefined },
      { by, platform, limit, items },
    );
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.profile(id);
    sendRead(response, read, profile, valueOf(response, read, `No KOL ${JSON.stringify(id)}`));
  });

  router.get('/:id/score', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.score(id);
    const value = valueOf(response, read, `No score and no features for KOL ${JSON.stringify(id)}`);
    // Cold: computed for this request from features in the lakehouse. A hit may be newer than any load.
    const cold = read.outcome !== 'hit';
    sendRead(response, read, { ...score, revalidate: true }, { ...value, cold });
  });

  return router;
}

/** The smallest cached ranking that has at least `limit` items. If all are shorter: the maximum length. */
export const cachedLimit = (cachedLimits: readonly number[], limit: number): number =>
  cachedLimits.filter((cached) => cached >= limit).sort((a, b) => a - b)[0] ?? MAX_RANKING_ITEMS;
