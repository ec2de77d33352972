import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleType,
  isBrokenCircuitError,
} from 'cockatiel';
import pLimit from 'p-limit';
import type { ModelFeatures } from '../domain/scoring/model-features.ts';
import type { Prediction } from '../domain/scoring/prediction.ts';
import { inChunks } from '../domain/values/chunks.ts';
import { abortable } from './ml-api/abortable.ts';
import { createMlHttp } from './ml-api/http.ts';
import { judgeFailed } from './ml-api/judge-failed.ts';
import { readBatch, readSingle, type Outcome } from './ml-api/predictions.ts';
import { probeService, type SingleCalls } from './ml-api/probe-service.ts';
import { MlApiUnavailableError } from './ml-api/unavailable-error.ts';

/** The model does not score this profile; a retry has the same result. */
interface Refusal {
  readonly refused: string;
}

export type ScoreResult = Prediction | Refusal;
export const isRefusal = (result: ScoreResult): result is Refusal => 'refused' in result;

export interface MlApi {
  /**
   * Scores profiles and keeps their order. Uses the batch endpoint if the deployment has it, else one call per profile. A profile
   * is refused when a single call rejects it, or when it fails alone while the service scores others.
   * @throws MlApiUnavailableError when the service does not work, and the signal's reason
   */
  score(profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<ScoreResult[]>;
  /**
   * How many profiles are worth scoring before they are needed. With single calls: as many as run at the same time. With
   * batch calls none: a batch takes as long for a part of its profiles as for all.
   */
  speculativeCapacity(): number;
  /** Lets pending calls finish, then closes the connections. */
  close(): Promise<void>;
}

const SINGLE_PATH = '/predict/trust';
const BATCH_PATH = '/predict/trust/batch';
/** Profiles per batch call. A batch of 1,000 events makes 10 calls, which share the concurrency of single calls. */
const BATCH_SIZE = 100;
/** A deployment without the batch endpoint is tried again after this time, since it may have been upgraded. */
const BATCH_RECHECK_MS = 10 * 60_000;

/** After so many failed rounds in a row the circuit opens. After this time one call tests the service. */
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2000;

/**
 * @param concurrency number of calls that run at the same time, each over its own kept-alive connection
 * @param pauseMs the first pause before a call is repeated; later ones are longer
 */
export function createMlApi({
  url,
  timeoutSeconds,
  concurrency,
  pauseMs = 50,
}: {
  url: string;
  timeoutSeconds: number;
  concurrency: number;
  pauseMs?: number;
}): MlApi {
  const service = createModelService({ url, timeoutSeconds, concurrency, pauseMs });
  // Counts rounds: an error of one profile does not fail its round.
  const circuit = circuitBreaker(handleType(MlApiUnavailableError), {
    halfOpenAfter: BREAKER_OPEN_MS,
    breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
  });

  async function scoreUnlessOpen(profiles: readonly ModelFeatures[], signal: AbortSignal) {
    try {
      // A probe is short. As the test of the service, a whole round would make the rounds of other partitions wait.
      if (circuit.state !== CircuitState.Closed)
        await circuit.execute(() => probeService(profiles, service.singleCalls(signal)));
      return await circuit.execute(() => scoreRound(service, profiles, signal));
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      throw new MlApiUnavailableError(
        `ML API: not called, the circuit is open for ${BREAKER_OPEN_MS / 1000} s after ${BREAKER_FAILURES} failures in a row`,
      );
    }
  }

  return {
    speculativeCapacity: () => (service.isBatchMissing() ? concurrency : 0),
    score: (profiles, signal) =>
      abortable(signal, async (round) => {
        if (profiles.length === 0) return [];
        // Each call in flight listens to the round.
        setMaxListeners(0, round.signal);
        return scoreUnlessOpen(profiles, round.signal);
      }),
    close: () => service.close(),
  };
}

type ModelService = ReturnType<typeof createModelService>;

/** The calls to the service, and what they showed about it. */
function createModelService({
  url,
  timeoutSeconds,
  concurrency,
  pauseMs,
}: Required<Parameters<typeof createMlApi>[0]>) {
  const http = createMlHttp({ url, timeoutSeconds, connections: concurrency, pauseMs });
  const limit = pLimit(concurrency);
  let batchMissingSince: number | undefined;
  let knownProfile: ModelFeatures | undefined;

  async function callSingle(profile: ModelFeatures, signal: AbortSignal): Promise<Outcome> {
    const outcome = await http.post(SINGLE_PATH, profile, (answer) => readSingle(answer, profile), signal);
    if (outcome.kind === 'scored') knownProfile = profile;
    return outcome;
  }

  async function callBatch(profiles: readonly ModelFeatures[], signal: AbortSignal) {
    const payload = { kols: profiles };
    const outcome = await http.post(BATCH_PATH, payload, (answer) => readBatch(answer, profiles), signal);
    if (outcome.kind === 'scored') knownProfile = profiles[0];
    return outcome;
  }

  return {
    concurrency,
    isBatchMissing: () =>
      batchMissingSince !== undefined && Date.now() - batchMissingSince < BATCH_RECHECK_MS,
    noteBatchMissing() {
      batchMissingSince = Date.now();
    },
    scoreBatch: (profiles: readonly ModelFeatures[], signal: AbortSignal) =>
      limit(() => callBatch(profiles, signal)),
    singleCalls: (signal: AbortSignal): SingleCalls => ({
      score: (profile) => limit(() => callSingle(profile, signal)),
      knownProfile: () => knownProfile,
      pause: (attempt) => sleep(pauseMs * Math.min(4, 2 ** (attempt - 1)), undefined, { signal }),
    }),
    close: () => http.close(),
  };
}

/** Scores the profiles of one call of `score`. */
async function scoreRound(
  service: ModelService,
  profiles: readonly ModelFeatures[],
  signal: AbortSignal,
): Promise<ScoreResult[]> {
  const single = service.singleCalls(signal);
  const results = new Map<ModelFeatures, ScoreResult>();
  /** Profiles that failed alone, with the reason. */
  const failed = new Map<ModelFeatures, string>();
  let probe: Promise<void> | undefined;
  /** Calls that fail at the same time share a probe. */
  const expectServiceWorks = () =>
    (probe ??= probeService(profiles, single).finally(() => {
      probe = undefined;
    }));

  function keep(batch: readonly ModelFeatures[], outcome: Outcome): void {
    batch.forEach((profile, index) => {
      const result = outcome.kind === 'scored' ? outcome.predictions[index] : { refused: outcome.reason };
      if (result !== undefined) results.set(profile, result);
    });
  }

  async function scoreOne(profile: ModelFeatures): Promise<void> {
    const outcome = await single.score(profile);
    if (outcome.kind !== 'failed') return keep([profile], outcome);
    await expectServiceWorks();
    failed.set(profile, outcome.reason);
  }

  /** A failure waits for its probe before the next call, so an outage costs one call for each that may run in parallel. */
  async function scoreEach(batch: readonly ModelFeatures[]): Promise<void> {
    const queue = batch.values();
    const worker = async () => {
      for (const profile of queue) await scoreOne(profile);
    };
    await Promise.all(Array.from({ length: Math.min(service.concurrency, batch.length) }, worker));
  }

  async function scoreBatch(batch: readonly ModelFeatures[]): Promise<void> {
    if (batch.length === 1) return scoreEach(batch);
    const outcome = await service.scoreBatch(batch, signal);
    if (outcome.kind === 'scored') return keep(batch, outcome);
    if (outcome.kind === 'no-endpoint') {
      await scoreEach(batch);
      // A gateway without a service behind it answers so too. Only a single call that works shows what is missing.
      if (batch.some((profile) => isScored(results.get(profile)))) service.noteBatchMissing();
      return;
    }
    if (outcome.kind === 'failed') await expectServiceWorks();
    // One profile can fail the whole batch. Halves find it with few calls.
    const middle = Math.ceil(batch.length / 2);
    await Promise.all([scoreBatch(batch.slice(0, middle)), scoreBatch(batch.slice(middle))]);
  }

  if (service.isBatchMissing()) await scoreEach(profiles);
  else await Promise.all([...inChunks(profiles, BATCH_SIZE)].map(scoreBatch));
  if (failed.size > 0)
    (await judgeFailed(failed, single)).forEach((outcome, profile) => keep([profile], outcome));
  return profiles.flatMap((profile) => results.get(profile) ?? []);
}

const isScored = (result: ScoreResult | undefined) => result !== undefined && !isRefusal(result);
