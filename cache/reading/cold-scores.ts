import DataLoader from 'dataloader';
import type { MlApi, ScoreResult } from '../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';

/** Profiles in one call of the model, as in the hot path. */
const MAX_PROFILES = 100;
/** Profiles that wait for the model. Further ones would be scored after the deadlines of their requests. */
const MAX_WAITING = 1000;

/** A profile, and the signal that aborts when nobody needs its score. */
interface WantedScore {
  readonly profile: ModelFeatures;
  readonly signal: AbortSignal;
}

/**
 * Scores profiles that clients wait for. Those that are wanted at the same time share a call of the model, which is cancelled when nobody
 * needs its scores. Rejects with the reason of the signal, or with MlApiUnavailableError, also when too many profiles wait.
 */
export function createColdScores(
  mlApi: MlApi,
): (profile: ModelFeatures, signal: AbortSignal) => Promise<ScoreResult> {
  const scores = new DataLoader<WantedScore, ScoreResult>(
    (wanted) =>
      untilUnwanted(
        wanted.map(({ signal }) => signal),
        (signal) =>
          mlApi.score(
            wanted.map(({ profile }) => profile),
            { signal },
          ),
      ),
    { cache: false, maxBatchSize: MAX_PROFILES },
  );
  let waiting = 0;
  return async (profile, signal) => {
    signal.throwIfAborted();
    if (waiting >= MAX_WAITING)
      throw new MlApiUnavailableError(`ML API: ${MAX_WAITING} profiles wait for it already`);
    waiting += 1;
    try {
      return await scores.load({ profile, signal });
    } finally {
      waiting -= 1;
    }
  };
}
