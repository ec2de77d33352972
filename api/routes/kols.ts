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

/** Places of a ranking that one request may ask for. */
const MOST_PLACES = 100;

const topQuery = {
  platform: platformParameter,
  by: choiceParameter(rankingKinds, 'followers'),
  limit: limitParameter(MOST_PLACES, MOST_PLACES),
  expand: optionalChoice(['profile']),
};

/** /api/v1/kols: rankings, profiles, trust scores. */
export function kolRoutes(reader: CacheReader, rankingLimits: readonly number[]): Router {
  const router = Router({ caseSensitive: true });

  // Before /:id, which would take it for a KOL.
  router.get('/top', async (request, response) => {
    const { platform, by, limit, expand } = queryOf(topQuery, request);
    const read = await reader.ranking({ kind: by, platform, limit: keptLimit(rankingLimits, limit) });
    const ranked = valueOf(response, read, `No ranking by ${by} of platform ${platform}`).slice(0, limit);
    const profiles =
      expand === undefined ? undefined : await reader.cachedProfiles(ranked.map(({ kol_id }) => kol_id));
    const items = ranked.map(({ kol_id, score: value }, index) => ({
      rank: index + 1,
      kol_id,
      score: value,
      ...(profiles === undefined ? {} : { profile: profiles.get(kol_id) ?? null }),
    }));
    // Which profiles are there changes by the second.
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
    const value = valueOf(response, read, `No score, and nothing to score, of KOL ${JSON.stringify(id)}`);
    // Cold: made for this request, of what the lakehouse knows; a hit may be newer than any load.
    const cold = read.outcome !== 'hit';
    sendRead(response, read, { ...score, revalidate: true }, { ...value, cold });
  });

  return router;
}

/** The smallest limit for which rankings are kept that holds enough places; where none does, the most there can be. */
export const keptLimit = (kept: readonly number[], limit: number): number =>
  kept.filter((one) => one >= limit).sort((a, b) => a - b)[0] ?? MOST_PLACES;
