import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelFeatures } from '../../domain/scoring/model-features.ts';
import { createFairLimit } from './fair-limit.ts';
import { createMlHttp } from './http.ts';
import { readBatch, readSingle, type NoEndpoint, type Outcome } from './predictions.ts';
import type { SingleCalls } from './probe-service.ts';
import { ConnectionLostError } from './unavailable-error.ts';

const SINGLE_PATH = '/predict/trust';
const BATCH_PATH = '/predict/trust/batch';
/** A deployment without the batch endpoint is tried again after this time, since it may have been upgraded. */
const BATCH_RECHECK_MS = 10 * 60_000;

/** The calls of one round. They share the permits with the calls of other rounds, and stop when the round's signal aborts. */
interface RoundCalls extends SingleCalls {
  readonly scoreBatch: (profiles: readonly ModelFeatures[]) => Promise<Outcome | NoEndpoint>;
}

/** The calls to the service, and what they showed about it. */
export interface ModelService {
  /** How many calls run at the same time. */
  readonly concurrency: number;
  isBatchMissing(): boolean;
  noteBatchMissing(): void;
  /** @param caller its calls and those of other callers get permits in turn */
  callsOf(caller: string, signal: AbortSignal): RoundCalls;
  close(): Promise<void>;
}

export function createModelService({
  url,
  timeoutSeconds,
  concurrency,
  pauseMs,
}: {
  url: string;
  timeoutSeconds: number;
  concurrency: number;
  pauseMs: number;
}): ModelService {
  const http = createMlHttp({ url, timeoutSeconds, connections: concurrency, pauseMs });
  const limit = createFairLimit(concurrency);
  let batchMissingSince: number | undefined;
  let knownProfile: ModelFeatures | undefined;

  async function callSingle(profile: ModelFeatures, signal: AbortSignal): Promise<Outcome> {
    const outcome = await orFailed(
      http.post(SINGLE_PATH, profile, (answer) => readSingle(answer, profile), signal),
    );
    if (outcome.kind === 'scored') knownProfile = profile;
    return outcome;
  }

  async function callBatch(profiles: readonly ModelFeatures[], signal: AbortSignal) {
    const payload = { kols: profiles };
    const outcome = await orFailed(
      http.post(BATCH_PATH, payload, (answer) => readBatch(answer, profiles), signal),
    );
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
