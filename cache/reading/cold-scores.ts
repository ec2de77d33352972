import DataLoader from 'dataloader';
import type { MlApi, ScoreResult } from '../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';

/** Profiles in one call of the model, like in the hot path. */
const MAX_PROFILES = 100;
/** Maximum number of profiles that wait for the model. More would miss the deadlines of their requests. */
const MAX_WAITING = 1000;

/** Timeouts of calls to the model, in seconds. */
interface ModelLimits {
  /** Timeout of a shared call: one of its profiles may make the model hang. */
  readonly sharedSeconds: number;
  /** Timeout of a call for one profile. */
  readonly aloneSeconds: number;
}

/** The model did not answer while readers waited. The circuit of the ML API counts it as a failure. */
class ModelTooSlowError extends MlApiUnavailableError {}

const tooSlow = (seconds: number) => () =>
  new ModelTooSlowError(`ML API: no score within ${seconds} s, the longest wait of a reader`);

/** A profile, and the signal that aborts when no caller needs its score. */
interface WantedScore {
  readonly profile: ModelFeatures;
  readonly signal: AbortSignal;
}

/**
 * Scores profiles for waiting clients. Concurrent requests share a call of the model, which is cancelled when no caller needs its scores.
 * If the shared call gets no answer in time, each profile is sent alone, so that one profile cannot block the others. Rejects with the
 * reason of the signal, or with MlApiUnavailableError, also when a call times out or too many profiles wait.
 */
export function createColdScores(
  mlApi: MlApi,
  { sharedSeconds, aloneSeconds }: ModelLimits,
): (profile: ModelFeatures, signal: AbortSignal) => Promise<ScoreResult> {
  const together = new DataLoader<WantedScore, ScoreResult>(
    (wanted) =>
      untilUnwanted(
        wanted.map(({ signal }) => signal),
        (unwanted) => {
          const profiles = wanted.map(({ profile }) => profile);
          return withTimeLimit(
            sharedSeconds,
            (signal) => mlApi.score(profiles, { signal }),
            unwanted,
            tooSlow(sharedSeconds),
          );
        },
      ),
    { cache: false, maxBatchSize: MAX_PROFILES },
  );

  async function scoreAlone({ profile, signal }: WantedScore): Promise<ScoreResult> {
    const [result] = await withTimeLimit(
      aloneSeconds,
      (own) => mlApi.score([profile], { signal: own }),
      signal,
      tooSlow(aloneSeconds),
    );
    if (result === undefined) throw new MlApiUnavailableError('ML API: no result for a profile');
    return result;
  }

  let waiting = 0;
  return async (profile, signal) => {
    signal.throwIfAborted();
    if (waiting >= MAX_WAITING)
      throw new MlApiUnavailableError(`ML API: ${MAX_WAITING} profiles wait for it already`);
    waiting += 1;
    try {
      return await together.load({ profile, signal });
    } catch (error) {
      if (!(error instanceof ModelTooSlowError)) throw error;
      return await scoreAlone({ profile, signal });
    } finally {
      waiting -= 1;
    }
  };
}
