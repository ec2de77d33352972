import { setMaxListeners } from 'node:events';
import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleType,
  isBrokenCircuitError,
} from 'cockatiel';
import type { ModelFeatures } from '../domain/scoring/trust-model.ts';
import { abortable } from '../domain/values/abortable.ts';
import type { MlApiOptions } from './ml-api/http.ts';
import { createModelService } from './ml-api/model-service.ts';
import type { ScoreResult } from './ml-api/predictions.ts';
import { probeService } from './ml-api/probe-service.ts';
import { scoreRound } from './ml-api/score-round.ts';
import { MlApiUnavailableError } from './ml-api/unavailable-error.ts';

export { isRefusal, type ScoreResult } from './ml-api/predictions.ts';

export interface ScoreOptions {
  /** Cancels: `score` throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Who calls, for example `topic/partition`. Callers that share the model get its permits in turn. */
  readonly caller?: string;
  /** Ends the time for scoring: `score` stops the calls in flight and returns the results that it has. */
  readonly timeUp?: AbortSignal | undefined;
}

export interface MlApi {
  /**
   * Scores profiles and keeps their order. Uses the batch endpoint if the deployment has it, else one call per profile. A profile
   * is refused when a single call rejects it, or when it fails alone while the service scores others.
   * @returns one result for each profile; after `timeUp` those of the longest prefix of the profiles that has results, maybe none
   * @throws MlApiUnavailableError when the service does not work and the time is not up; the reason of `signal`
   */
  score(profiles: readonly ModelFeatures[], options?: ScoreOptions): Promise<ScoreResult[]>;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** After so many failed rounds of a caller in a row its circuit opens. After this time one call tests the service. */
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2000;

/**
 * Each caller has a circuit, because a partition full of profiles that make the service hang, or fail while it has scored no other,
 * looks like an outage: it opens only its own circuit. A circuit counts failed rounds. An error of one profile does not fail its round.
 */
const createCircuit = () =>
  circuitBreaker(handleType(MlApiUnavailableError), {
    halfOpenAfter: BREAKER_OPEN_MS,
    breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
  });

type Results = Map<ModelFeatures, ScoreResult>;

export function createMlApi({
  pauseMs = 50,
  ...options
}: Omit<MlApiOptions, 'pauseMs'> & Partial<Pick<MlApiOptions, 'pauseMs'>>): MlApi {
  const service = createModelService({ ...options, pauseMs });
  const circuits = new Map<string, CircuitBreakerPolicy>();

  function circuitOf(caller: string): CircuitBreakerPolicy {
    const circuit = circuits.get(caller) ?? createCircuit();
    circuits.set(caller, circuit);
    return circuit;
  }

  async function scoreUnlessOpen(
    profiles: readonly ModelFeatures[],
    options: { caller: string; results: Results; round: AbortController },
  ): Promise<void> {
    const { caller, round } = options;
    const circuit = circuitOf(caller);
    try {
      // A probe is short. As the test of the service, a whole round would make other rounds of this caller wait.
      if (circuit.state !== CircuitState.Closed)
        await circuit.execute(() => probeService(profiles, service.callsOf(caller, round.signal)));
      await circuit.execute(() =>
        scoreRound(service, profiles, options).catch((error: unknown) => {
          // A failed judgement aborts the round with its error, and an aborted pause would hide it behind an AbortError.
          throw round.signal.reason instanceof MlApiUnavailableError ? round.signal.reason : error;
        }),
      );
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      throw new MlApiUnavailableError(
        `ML API: not called, the circuit is open for ${BREAKER_OPEN_MS / 1000} s after ${BREAKER_FAILURES} failures in a row`,
      );
    }
  }

  return {
    async score(profiles, { signal, caller = '', timeUp } = {}) {
      if (profiles.length === 0) return [];
      const results: Results = new Map();
      try {
        await abortable([signal, timeUp], (round) => {
          // Each call in flight listens to the round.
          setMaxListeners(0, round.signal);
          return scoreUnlessOpen(profiles, { caller, results, round });
        });
      } catch (error) {
        signal?.throwIfAborted();
        // An outage may be over before the caller's next try, so it is no reason to lose the results before it.
        const endedByTime = error === timeUp?.reason || error instanceof MlApiUnavailableError;
        if (timeUp?.aborted !== true || !endedByTime) throw error;
      }
      return resultsOfPrefix(profiles, results);
    },
    close: () => service.close(),
  };
}

function resultsOfPrefix(
  profiles: readonly ModelFeatures[],
  results: ReadonlyMap<ModelFeatures, ScoreResult>,
): ScoreResult[] {
  const end = profiles.findIndex((profile) => !results.has(profile));
  return profiles.slice(0, end === -1 ? undefined : end).flatMap((profile) => results.get(profile) ?? []);
}
