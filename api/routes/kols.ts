import { Router } from 'express';
import type { CacheReader } from '../../cache/reading/cache-reader.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { rankingKinds } from '../../domain/entities/ranking.ts';
import { allowOnly } from '../allow-only.ts';
import { freshness, revalidated } from '../freshness.ts';
import {
  choiceParameter,
  idOf,
  idsParameter,
  limitParameter,
  optionalChoice,
  platformParameter,
  queryOf,
} from '../parameters.ts';
import { sendMany } from '../send-many.ts';
import { ofManyReads, sendRead, valueOf } from '../send-read.ts';
import { scoreToJson } from '../score-to-json.ts';

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

  router.get('/', async (request, response) => {
    const { ids } = queryOf({ ids: idsParameter }, request);
    await sendMany(response, ids, reader.profiles, profile, profile.toJson);
  });

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
      ...(profiles === undefined ? {} : { profile: cachedProfile(profiles, kol_id) }),
    }));
    // The set of cached profiles changes every second, so clients must revalidate.
    const fresh = expand === undefined ? freshness.ranking : revalidated(freshness.ranking);
    sendRead(response, expand === undefined ? read : ofManyReads(read), fresh, {
      by,
      platform,
      limit,
      items,
    });
  });

  router.get('/:id', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.profile(id);
    const value = valueOf(response, read, `No KOL ${JSON.stringify(id)}`);
    sendRead(response, read, freshness.profile, profile.toJson(value));
  });

  router.get('/:id/score', async (request, response) => {
    const id = idOf(request);
    queryOf({}, request);
    const read = await reader.score(id);
    const value = valueOf(response, read, `No score and no features for KOL ${JSON.stringify(id)}`);
    sendRead(response, read, freshness.score, scoreToJson(value, read));
  });

  for (const path of ['/', '/top', '/:id', '/:id/score']) router.all(path, allowOnly('GET'));

  return router;
}

function cachedProfile(profiles: ReadonlyMap<string, Profile>, id: string): Profile | null {
  const found = profiles.get(id);
  return found === undefined ? null : profile.toJson(found);
}

/** The smallest cached ranking that has at least `limit` items. If all are shorter: the maximum length. */
export const cachedLimit = (cachedLimits: readonly number[], limit: number): number =>
  cachedLimits.filter((cached) => cached >= limit).sort((a, b) => a - b)[0] ?? MAX_RANKING_ITEMS;
