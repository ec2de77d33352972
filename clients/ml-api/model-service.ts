import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { createFairLimit } from './fair-limit.ts';
import { createMlHttp, type MlApiOptions } from './http.ts';
import { type NoEndpoint, type Outcome, readBatch, readSingle, type Unanswered } from './predictions.ts';
import type { SingleCalls } from './probe-service.ts';
import { ConnectionLostError, NoAnswerError } from './unavailable-error.ts';

const SINGLE_PATH = '/predict/trust';
const BATCH_PATH = '/predict/trust/batch';
/** Profiles per batch call. A batch of 1,000 events makes 10 calls, which share the concurrency of single calls. */
const BATCH_SIZE = 100;
/** What a batch endpoint cannot do is tried again after this time: it may have been upgraded, or had much to do. */
const BATCH_RECHECK_MS = 10 * 60_000;

/** The calls of one round. They share the permits with the calls of other rounds, and stop when the round's signal aborts. */
interface RoundCalls extends SingleCalls {
  readonly scoreBatch: (profiles: readonly ModelFeatures[]) => Promise<Outcome | NoEndpoint | Unanswered>;
}

/** The calls to the service, and what they showed about it. */
export interface ModelService {
  /** How many calls run at the same time. */
  readonly concurrency: number;
  isBatchMissing(): boolean;
  noteBatchMissing(): void;
  /** Profiles per batch call at most, as far as is known. */
  batchSize(): number;
  /** Batches of this size are answered in time, and larger ones were not. */
  noteBatchSize(size: number): void;
  /** @param caller its calls and those of other callers get permits in turn */
  callsOf(caller: string, signal: AbortSignal): RoundCalls;
  close(): Promise<void>;
}

export function createModelService(options: MlApiOptions): ModelService {
  const { concurrency, pauseMs } = options;
  const http = createMlHttp(options);
  const limit = createFairLimit(concurrency);
  let batchMissingSince: number | undefined;
  let answered = { size: BATCH_SIZE, since: 0 };
  let knownProfile: ModelFeatures | undefined;

  async function callSingle(profile: ModelFeatures, signal: AbortSignal): Promise<Outcome> {
    const outcome = await orFailed(
      http.post(SINGLE_PATH, profile, (answer) => readSingle(answer, profile), { signal }),
    );
    if (outcome.kind === 'scored') knownProfile = profile;
    return outcome;
  }

  async function callBatch(
    profiles: readonly ModelFeatures[],
    signal: AbortSignal,
  ): Promise<Outcome | NoEndpoint | Unanswered> {
    const call = http.post(BATCH_PATH, { kols: profiles }, (answer) => readBatch(answer, profiles), {
      signal,
      repeatsUnanswered: false, // smaller batches are the better try
    });
    try {
      const outcome = await orFailed(call);
      if (outcome.kind === 'scored') knownProfile = profiles[0];
      return outcome;
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return { kind: 'unanswered' };
    }
  }

  const isRecent = (since: number) => Date.now() - since < BATCH_RECHECK_MS;
  const batchSize = () => (isRecent(answered.since) ? answered.size : BATCH_SIZE);

  return {
    concurrency,
    isBatchMissing: () => batchMissingSince !== undefined && isRecent(batchMissingSince),
    noteBatchMissing() {
      batchMissingSince = Date.now();
    },
    batchSize,
    noteBatchSize(size) {
      if (size < batchSize()) answered = { size, since: Date.now() };
    },
    callsOf: (caller, signal) => ({
      scoreBatch: (profiles) => limit(caller, () => callBatch(profiles, signal)),
      score: (profile) => limit(caller, () => callSingle(profile, signal)),
      knownProfile: () => knownProfile,
      pause: (attempt) => sleep(pauseMs * Math.min(4, 2 ** (attempt - 1)), undefined, { signal }),
    }),
    close: () => http.close(),
  };
}

/** A lost connection is a failed call: whether a profile or an outage caused it, shows in other calls. */
async function orFailed<T>(call: Promise<T>): Promise<T | Extract<Outcome, { kind: 'failed' }>> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ConnectionLostError)) throw error;
    return { kind: 'failed', reason: error.message };
  }
}
