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
import { inChunks } from '../domain/values/lists.ts';
import { judgeFailed } from './ml-api/judge-failed.ts';
import { createModelService, type MlApiOptions, type ModelService } from './ml-api/model-service.ts';
import { isRefusal, normalisedId, type Outcome, type ScoreResult } from './ml-api/predictions.ts';
import { probeService } from './ml-api/probe-service.ts';
import { MlApiUnavailableError } from './ml-api/unavailable-error.ts';

export { isRefusal, type ScoreResult };

export interface ScoreOptions {
  /** Cancels the call: `score` throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /** The caller, for example `topic/partition`. Callers get the permits of the model in turn. */
  readonly caller?: string;
  /** Ends the scoring early: `score` stops the calls in flight and returns the results so far. */
  readonly timeUp?: AbortSignal | undefined;
}

export interface MlApi {
  /**
   * Scores profiles and keeps their order. Uses the batch endpoint if the deployment has it, else one call per profile. A profile is
   * refused when a single call rejects it, or when it fails alone while the service scores others.
   * @returns one result for each profile; after `timeUp`, the results of the longest complete prefix of the profiles, possibly none
   * @throws MlApiUnavailableError when the service does not work before `timeUp`; the reason of `signal`
   */
  score(profiles: readonly ModelFeatures[], options?: ScoreOptions): Promise<ScoreResult[]>;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

/** The circuit of a caller opens after this many failed rounds in a row. After the open time one call tests the service. */
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2000;

/**
 * Each caller has its own circuit: a partition with many profiles that make the service hang or fail looks like an outage, and must open
 * only its own circuit. A circuit counts failed rounds. An error of one profile does not fail its round.
 */
const createCircuit = () =>
  circuitBreaker(handleType(MlApiUnavailableError), {
    halfOpenAfter: BREAKER_OPEN_MS,
    breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
  });

type Results = Map<ModelFeatures, ScoreResult>;

/** The work of one call of `score`. */
interface Round {
  readonly caller: string;
  /** Receives the result of each profile as soon as it is known. */
  readonly results: Results;
  /** Stops the calls of this round. */
  readonly round: AbortController;
}

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

  async function scoreUnlessOpen(profiles: readonly ModelFeatures[], options: Round): Promise<void> {
    const { caller, round } = options;
    const circuit = circuitOf(caller);
    try {
      // Test the service with a short probe. A whole round would make other rounds of this caller wait.
      if (circuit.state !== CircuitState.Closed)
        await circuit.execute(() => probeService(profiles, service.callsOf(caller, round.signal)));
      await circuit.execute(() =>
        scoreRound(service, profiles, options).catch((error: unknown) => {
          // A failed judgement aborts the round with its error. Throw that error instead of the AbortError of a pause.
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
          // each call in flight adds a listener
          setMaxListeners(0, round.signal);
          return scoreUnlessOpen(profiles, { caller, results, round });
        });
      } catch (error) {
        signal?.throwIfAborted();
        // keep the results before an outage: it may be over before the caller's next try
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

/**
 * Scores the profiles of one call of `score`, a few at a time, in order.
 * @throws MlApiUnavailableError when the service does not work
 */
async function scoreRound(
  service: ModelService,
  profiles: readonly ModelFeatures[],
  { caller, results, round }: Round,
): Promise<void> {
  const calls = service.callsOf(caller, round.signal);
  /** Profiles that failed alone, with the reason. */
  const failed = new Map<ModelFeatures, string>();
  let probe: Promise<void> | undefined;
  /** Calls that fail at the same time share a probe. */
  const expectServiceWorks = () =>
    (probe ??= probeService(profiles, calls).finally(() => {
      probe = undefined;
    }));
  let judgement: Promise<void> | undefined;

  const keep = (batch: readonly ModelFeatures[], outcome: Outcome) => keepResults(results, batch, outcome);

  async function judgeAllFailed(): Promise<void> {
    while (failed.size > 0) {
      const undecided = new Map(failed);
      failed.clear();
      (await judgeFailed(undecided, calls)).forEach((outcome, profile) => keep([profile], outcome));
    }
  }

  /** Judges during the round: `timeUp` may end the round, and then a profile without a result makes all later results useless. */
  function judgeSoon(): void {
    // A judgement needs a profile that the service scores. Without one, wait for the end of the round.
    if (calls.knownProfile() === undefined) return;
    judgement ??= judgeAllFailed()
      .catch((error: unknown) => round.abort(error))
      .finally(() => {
        judgement = undefined;
      });
  }

  async function scoreOne(profile: ModelFeatures): Promise<void> {
    const outcome = await calls.score(profile);
    if (outcome.kind !== 'failed') return keep([profile], outcome);
    await expectServiceWorks();
    failed.set(profile, outcome.reason);
    judgeSoon();
  }

  /** After a failure, a probe precedes the next call, so an outage costs only one call for each parallel slot. */
  const scoreEach = (batch: readonly ModelFeatures[]) => inTurn(batch, service.concurrency, scoreOne);

  async function scoreBatch(batch: readonly ModelFeatures[]): Promise<void> {
    if (batch.length === 1) return scoreEach(batch);
    if (batch.length > service.batchSize()) return scoreHalves(batch);
    const outcome = await calls.scoreBatch(batch);
    if (outcome.kind === 'scored') return keep(batch, outcome);
    if (outcome.kind === 'no-endpoint') {
      await scoreEach(batch);
      // A gateway without a service gives the same answer. Only a working single call shows that just the batch endpoint is missing.
      if (batch.some((profile) => isScored(results.get(profile)))) service.noteBatchMissing();
      return;
    }
    if (outcome.kind !== 'refused') await expectServiceWorks();
    await scoreHalves(batch);
    // the size was the reason: a profile that makes the model hang would have failed the round before
    if (outcome.kind === 'unanswered') service.noteBatchSize(halfOf(batch));
  }

  /** One profile can fail the whole batch. Halves find it with few calls. */
  async function scoreHalves(batch: readonly ModelFeatures[]): Promise<void> {
    await Promise.all([...inChunks(batch, halfOf(batch))].map(scoreBatch));
  }

  if (service.isBatchMissing()) await scoreEach(profiles);
  else await inTurn(splitBatches(profiles, service.batchSize()), service.concurrency, scoreBatch);
  await judgement;
  round.signal.throwIfAborted();
  await judgeAllFailed();
}

function keepResults(results: Results, batch: readonly ModelFeatures[], outcome: Outcome): void {
  batch.forEach((profile, index) => {
    const result = outcome.kind === 'scored' ? outcome.predictions[index] : { refused: outcome.reason };
    if (result !== undefined) results.set(profile, result);
  });
}

const halfOf = (batch: readonly ModelFeatures[]): number => Math.ceil(batch.length / 2);

const isScored = (result: ScoreResult | undefined) => result !== undefined && !isRefusal(result);

/** Works on the items in order, a few at a time. */
async function inTurn<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/**
 * Splits profiles into batches without equal (normalised) ids. Answers to a batch are matched by id, so with one name on two platforms in a
 * batch, each could get the score of the other. Each profile goes into the first batch that has room for it.
 */
export function splitBatches(profiles: readonly ModelFeatures[], size: number): ModelFeatures[][] {
  const batches: Map<string, ModelFeatures>[] = [];
  for (const profile of profiles) {
    const id = normalisedId(profile.kol_id);
    let batch = batches.find((each) => each.size < size && !each.has(id));
    if (batch === undefined) batches.push((batch = new Map<string, ModelFeatures>()));
    batch.set(id, profile);
  }
  return batches.map((batch) => [...batch.values()]);
}
