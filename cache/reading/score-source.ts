import DataLoader from 'dataloader';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import { isRefusal, type MlApi, type ScoreResult } from '../../clients/ml-api.ts';
import { score, type Score } from '../../domain/entities/score.ts';
import { buildFeatures, buildScore, type ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { createBatchLoader } from './batch-loader.ts';
import { fillItem } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { stringCodec } from './redis-codec.ts';

/** The model refuses the features that the lakehouse has of this KOL; a retry does not help. */
export class ScoreRefusedError extends Error {
  readonly code = 'SCORE_REFUSED';
  constructor(
    readonly kolId: string,
    reason: string,
  ) {
    super(`The model refused to score ${kolId}: ${reason}`);
    this.name = 'ScoreRefusedError';
  }
}

/** Profiles in one call of the model, as in the hot path. */
const MAX_PROFILES = 100;

/**
 * A trust score. The hot path writes it to Redis when it scores a KOL; on a miss, this source scores the KOL now (the cold path)
 * with the features in kol_trust_features.
 * `load` throws what Trino throws, MlApiUnavailableError or ScoreRefusedError.
 */
export function scoreSource(
  lakehouse: Lakehouse,
  mlApi: MlApi,
  options: ReadOptions,
): EntitySource<string, Score> {
  const loadFeatures = createBatchLoader(
    (ids, signal) => lakehouse.trustFeatures(ids, { ...options, signal }),
    ({ kol_id }) => kol_id,
  );
  // Scores that are wanted at the same time share a call of the model.
  const scores = new DataLoader<ModelFeatures, ScoreResult>((profiles) => mlApi.score(profiles), {
    cache: false,
    maxBatchSize: MAX_PROFILES,
  });
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
      const result = await scores.load(buildFeatures({ kol_id: features.kol_id }, features));
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
