import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import type { Outcome } from './predictions.ts';
import type { SingleCalls } from './probe-service.ts';
import { MlApiUnavailableError } from './unavailable-error.ts';

/**
 * Number of tries in a row in which all of these profiles must fail, while several parallel calls score the known profile. The parallel
 * calls use different connections, so they may reach different replicas. For a service that fails randomly, at any rate, this result has a
 * probability below one in a million.
 */
const CLEAN_TRIES = 5;
const KNOWN_PROFILE_CALLS = 8;
const MAX_TRIES = 12;

/**
 * Decides about profiles that failed alone: each is either scored by a retry, or refused because it makes the service fail.
 * @param failed the profiles, with the reason of their last failure
 * @throws MlApiUnavailableError when the service does not work well enough to decide
 */
export async function judgeFailed(
  failed: ReadonlyMap<ModelFeatures, string>,
  calls: SingleCalls,
): Promise<ReadonlyMap<ModelFeatures, Outcome>> {
  const decided = new Map<ModelFeatures, Outcome>();
  let undecided = failed;
  let cleanTries = 0;
  for (let attempt = 1; undecided.size > 0; attempt += 1) {
    if (attempt > MAX_TRIES) throw new MlApiUnavailableError(`ML API: fails at times: ${firstOf(undecided)}`);
    await calls.pause(attempt);
    const failedAgain = new Map<ModelFeatures, string>();
    await Promise.all(
      [...undecided.keys()].map(async (profile) => {
        const outcome = await calls.score(profile);
        if (outcome.kind === 'failed') failedAgain.set(profile, outcome.reason);
        else decided.set(profile, outcome);
      }),
    );
    const noneRecovered = failedAgain.size === undecided.size;
    undecided = failedAgain;
    cleanTries = noneRecovered && (await scoresKnownProfile(calls)) ? cleanTries + 1 : 0;
    if (cleanTries === CLEAN_TRIES) break;
  }
  for (const [profile, reason] of undecided)
    decided.set(profile, {
      kind: 'refused',
      reason: `${reason} (each time, while another profile was scored)`,
    });
  return decided;
}

async function scoresKnownProfile({ score, knownProfile }: SingleCalls): Promise<boolean> {
  const known = knownProfile();
  if (known === undefined) return false;
  const outcomes = await Promise.all(Array.from({ length: KNOWN_PROFILE_CALLS }, () => score(known)));
  return outcomes.every(({ kind }) => kind === 'scored');
}

const firstOf = (reasons: ReadonlyMap<ModelFeatures, string>): string => [...reasons.values()][0] ?? '';
