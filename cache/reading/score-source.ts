import type { Lakehouse, ReadOptions } from '../../clients/lakehouse/lakehouse.ts';
import { isRefusal, type MlApi } from '../../clients/ml-api.ts';
import { score, scoreOf, type Score } from '../../domain/entities/score.ts';
import { featuresOfKnown } from '../../domain/scoring/model-features.ts';
import { createBatchLoader } from './batch-loader.ts';
import { fillItem } from './fill-entry.ts';
import type { EntitySource } from './read-through.ts';
import { stringCodec } from './redis-codec.ts';

/** The model refuses to score what the lakehouse knows of this KOL; asking again will not help. */
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

/**
 * A trust score: of the hot path where it has scored the KOL lately, else made now (the cold path) of what
 * kol_trust_features knows. `load` throws MlApiUnavailableError or ScoreRefusedError besides what Trino throws.
 */
export function scoreSource(
  lakehouse: Lakehouse,
  mlApi: MlApi,
  options: ReadOptions,
): EntitySource<string, Score> {
  const featuresOf = createBatchLoader(
    (ids) => lakehouse.trustFeatures(ids, options),
    (features) => features.kol_id,
  );
  return {
    name: score.name,
    ttlSeconds: score.ttlSeconds,
    key: score.key,
    codec: stringCodec(score.fromString),
    load: async (kolId) => {
      const known = await featuresOf(kolId);
      if (known === null) return null;
      const [result] = await mlApi.score([featuresOfKnown(known)]);
      if (result === undefined) return null;
      if (isRefusal(result)) throw new ScoreRefusedError(kolId, result.refused);
      return scoreOf(result, {
        platform: known.platform,
        event_time_ms: null,
        source: null,
        features_from: 'lakehouse',
      });
    },
    toEntry: (_, value) => score.toEntry(value),
    fill: fillItem,
  };
}
