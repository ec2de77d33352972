import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import { isRefusal, type MlApi } from '../../clients/ml-api.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { buildFeatures, buildScore } from '../../domain/scoring/trust-model.ts';
import { createBatchLoader } from './batch-loader.ts';
import { createColdScores } from './cold-scores.ts';
import { fillItem } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { stringCodec } from './redis-codec.ts';
import { ScoreRefusedError } from './score-refused.ts';

/**
 * A trust score. The hot path writes it to Redis when it scores a KOL; on a miss, this source scores the KOL now (the cold path)
 * with the features in kol_trust_features.
 * `load` throws what Trino throws, MlApiUnavailableError or ScoreRefusedError.
 * @param waitSeconds a quarter of the time that a load has
 */
export function scoreSource(
  lakehouse: Lakehouse,
  mlApi: MlApi,
  { waitSeconds, ...options }: ReadOptions & { readonly waitSeconds: number },
): EntitySource<string, Score> {
  // For a name on several platforms, the account that was processed last counts; its row comes last.
  const loadFeatures = createBatchLoader(
    (ids, signal) => lakehouse.trustFeatures(ids, { ...options, signal }),
    ({ kol_id }) => kol_id,
  );
  // Both calls end before the load, with time for its query: a hanging model must not look like a hanging lakehouse.
  const scoreNow = createColdScores(mlApi, { sharedSeconds: waitSeconds, aloneSeconds: waitSeconds * 1.5 });
  return {
    name: score.name,
    ttlSeconds: score.ttlSeconds,
    key: score.key,
    codec: stringCodec(
      score.fromString,
      ({ timestamp }) => timestamp,
      ({ event_time_ms }) => typeof event_time_ms === 'number',
    ),
    load: async (kolId, signal) => {
      const features = await loadFeatures(kolId, signal);
      if (features === null) return null;
      const result = await scoreNow(buildFeatures({ kol_id: features.kol_id }, features), signal);
      if (isRefusal(result)) throw new ScoreRefusedError(kolId, result.refused);
      return buildScore(result, {
        platform: features.platform,
        event_time_ms: null,
        source: null,
        features_from: 'lakehouse',
      });
    },
    toEntry: (_, value) => score.toEntry(value),
    fill: fillItem,
  };
}
