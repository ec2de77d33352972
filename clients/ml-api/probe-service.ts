import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { inChunks } from '../../domain/values/lists.ts';
import type { Outcome } from './predictions.ts';
import { MlApiUnavailableError } from './unavailable-error.ts';

/** Tries before the service counts as unavailable. */
const PROBES = 4;
const PROFILES_PER_PROBE = 4;

/** Calls for one profile each. */
export interface SingleCalls {
  readonly score: (profile: ModelFeatures) => Promise<Outcome>;
  /** The last scored profile. A working service can score it again. */
  readonly knownProfile: () => ModelFeatures | undefined;
  /** Waits before an attempt; the wait grows with each attempt. */
  readonly pause: (attempt: number) => Promise<void>;
}

/**
 * Checks after a failure whether the service works: it must answer one of several single calls.
 * @param profiles candidates for the calls. Several are tried, because one may be the cause of the failure
 * @throws MlApiUnavailableError when the service does not work
 */
export async function probeService(
  profiles: readonly ModelFeatures[],
  { score, knownProfile, pause }: SingleCalls,
): Promise<void> {
  const probes = [...inChunks(shuffled(profiles), PROFILES_PER_PROBE)];
  const known = knownProfile();
  if (known !== undefined) probes.unshift([known]);
  let reasons: string[] = [];
  for (let attempt = 0; attempt < PROBES; attempt += 1) {
    if (attempt > 0) await pause(attempt);
    const outcomes = await Promise.all((probes[attempt % probes.length] ?? []).map(score));
    // a refusal also shows that the service works
    if (outcomes.some(({ kind }) => kind === 'scored' || kind === 'refused')) return;
    reasons = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.reason] : []));
  }
  throw new MlApiUnavailableError(`ML API: no profile is scored: ${reasons[0]}`);
}

/** In random order, so that a repetition of the round tries other profiles. */
const shuffled = (profiles: readonly ModelFeatures[]): ModelFeatures[] =>
  profiles
    .map((profile) => ({ profile, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ profile }) => profile);
