import DataLoader from 'dataloader';
import type { MlApi, ScoreResult } from '../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { untilUnwanted } from '../../domain/values/until-unwanted.ts';
import { withTimeLimit } from './time-limit.ts';

/** Profiles in one call of the model, as in the hot path. */
const MAX_PROFILES = 100;
/** Profiles that wait for the model. Further ones would be scored after the deadlines of their requests. */
const MAX_WAITING = 1000;

/** How long a reader waits for the model, in seconds. */
interface ModelLimits {
  /** A shared call that takes longer is given up: one of its profiles may make the model hang. */
  readonly sharedSeconds: number;
  /** A call for one profile that takes longer fails. */
  readonly aloneSeconds: number;
}

/** The model did not answer while readers waited. The circuit of the ML API counts it as a failure. */
class ModelTooSlowError extends MlApiUnavailableError {}

const tooSlow = (seconds: number) => () =>
  new ModelTooSlowError(`ML API: no score within ${seconds} s, as long as a reader waits`);

/** A profile, and the signal that aborts when nobody needs its score. */
interface WantedScore {
  readonly profile: ModelFeatures;
  readonly signal: AbortSignal;
}

/**
 * Scores profiles that clients wait for. Those that are wanted at the same time share a call of the model, which is cancelled when nobody
 * needs its scores. If the model does not answer it in time, each profile gets a call of its own, so that one cannot hold up the others.
 * Rejects with the reason of the signal, or with MlApiUnavailableError, also when the model does not answer in time or too many profiles
 * wait.
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
