import { setTimeout as sleep } from 'node:timers/promises';
import { ExponentialBackoff, handleType, retry } from 'cockatiel';
import { Pool } from 'undici';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';
import { abortable } from '../../domain/values/abortable.ts';
import {
  type MlResponse,
  type NoEndpoint,
  type Outcome,
  readBatch,
  readSingle,
  type Unanswered,
} from './predictions.ts';
import type { SingleCalls } from './probe-service.ts';
import { ConnectionLostError, MlApiUnavailableError, NoAnswerError } from './unavailable-error.ts';

/** Address of the service, and settings of the calls. */
export interface MlApiOptions {
  readonly url: string;
  readonly timeoutSeconds: number;
  /** How many calls run at the same time, each over its own kept-alive connection. */
  readonly concurrency: number;
  /** The first pause before a retry, in ms; later ones are longer. */
  readonly pauseMs: number;
}

const SINGLE_PATH = '/predict/trust';
const BATCH_PATH = '/predict/trust/batch';
/** Profiles per batch call. A batch of 1,000 events makes 10 calls, which share the concurrency of single calls. */
const BATCH_SIZE = 100;
/** Limits of a batch endpoint are tested again after this time: it may have been upgraded, or may have been overloaded. */
const BATCH_RECHECK_MS = 10 * 60_000;

/** The calls of one round. They share the permits with the calls of other rounds, and stop when the round's signal aborts. */
interface RoundCalls extends SingleCalls {
  readonly scoreBatch: (profiles: readonly ModelFeatures[]) => Promise<Outcome | NoEndpoint | Unanswered>;
}

/** The calls to the service, and what is known about it from them. */
export interface ModelService {
  /** How many calls run at the same time. */
  readonly concurrency: number;
  isBatchMissing(): boolean;
  noteBatchMissing(): void;
  /** The known maximum of profiles per batch call. */
  batchSize(): number;
  /** Batches of this size are answered in time, and larger ones were not. */
  noteBatchSize(size: number): void;
  /** @param caller shares the permits with other callers in turn */
  callsOf(caller: string, signal: AbortSignal): RoundCalls;
  close(): Promise<void>;
}

export function createModelService(options: MlApiOptions): ModelService {
  const { concurrency, pauseMs } = options;
  const http = createHttp(options);
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

/** A lost connection counts as a failed call. Other calls show whether a profile or an outage caused it. */
async function orFailed<T>(call: Promise<T>): Promise<T | Extract<Outcome, { kind: 'failed' }>> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof ConnectionLostError)) throw error;
    return { kind: 'failed', reason: error.message };
  }
}

interface PostOptions {
  readonly signal: AbortSignal;
  /** Whether to retry a call without an answer in time. Default: true. */
  readonly repeatsUnanswered?: boolean;
}

/** Retries of one call before the activity fails and Temporal retries with a longer backoff. */
const CALL_RETRIES = 2;

/** The answer to a batch has some kilobytes. A gateway that streams endlessly must not fill the memory. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** Posts over a pool of kept-alive connections. */
function createHttp({ url, timeoutSeconds, concurrency, pauseMs }: MlApiOptions) {
  const { origin, pathname } = new URL(url);
  const basePath = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: concurrency,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    maxResponseSize: MAX_RESPONSE_BYTES,
    connect: { timeout: 2000 },
  });
  const backoff = new ExponentialBackoff({ initialDelay: pauseMs });
  const retriesOf = (repeatsUnanswered: boolean) =>
    retry(
      handleType(MlApiUnavailableError, (error) => repeatsUnanswered || !(error instanceof NoAnswerError)),
      { maxAttempts: CALL_RETRIES, backoff },
    );
  const [retries, retriesOfAnswered] = [retriesOf(true), retriesOf(false)];

  const postOnce = (path: string, payload: unknown, signal: AbortSignal): Promise<MlResponse> =>
    abortable([signal], async (call) => {
      const timeout = setTimeout(
        () => call.abort(new Error(`no answer in ${timeoutSeconds} s`)),
        timeoutSeconds * 1000,
      );
      try {
        const { statusCode: status, body } = await pool.request({
          method: 'POST',
          path: `${basePath}${path}`,
          headers: { 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify(payload),
          signal: call.signal,
        });
        return { path, status, body: await body.text() };
      } catch (error) {
        signal.throwIfAborted();
        const { message } = (call.signal.aborted ? call.signal.reason : error) as Error;
        const Unavailable = call.signal.aborted
          ? NoAnswerError
          : isConnectionLost(error)
            ? ConnectionLostError
            : MlApiUnavailableError;
        throw new Unavailable(`ML API ${path}: ${message}`, { cause: error });
      } finally {
        clearTimeout(timeout);
      }
    });

  return {
    /**
     * Posts JSON and returns the result of `read` for the response. Retries a call without a response, and one for which `read` throws
     * MlApiUnavailableError.
     * @throws MlApiUnavailableError, ConnectionLostError and NoAnswerError among them, and the signal's reason
     */
    post: <T>(
      path: string,
      payload: unknown,
      read: (response: MlResponse) => T,
      { signal, repeatsUnanswered = true }: PostOptions,
    ): Promise<T> =>
      (repeatsUnanswered ? retries : retriesOfAnswered).execute(
        async () => read(await postOnce(path, payload, signal)),
        signal, // its reason may be an error that is retried otherwise
      ),
    /** Waits for pending calls, then closes the connections. */
    close: () => pool.close(),
  };
}

/** An open connection was closed before the answer. (A stopped service refuses the connection, which is another error.) */
const isConnectionLost = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.code));

/** Runs work when it gets a permit, and returns its result. A busy caller does not delay the work of others. */
type FairLimit = <T>(caller: string, work: () => Promise<T>) => Promise<T>;

/**
 * Limits how much work runs at the same time. Waiting callers get free permits in turn, and the work of each caller starts in order. A
 * queue for all callers would make the one call of a quiet caller wait for all calls of a busy one.
 * @param concurrency number of permits
 */
export function createFairLimit(concurrency: number): FairLimit {
  /** The start functions of waiting work, by caller. The caller whose turn is next comes first. */
  const waiting = new Map<string, (() => void)[]>();
  let free = concurrency;

  function wait(caller: string): Promise<void> {
    return new Promise((start) => {
      const queue = waiting.get(caller);
      if (queue === undefined) waiting.set(caller, [start]);
      else queue.push(start);
    });
  }

  /** Gives a permit to the next caller, which moves to the end of the queue if it has more work. */
  function passPermitOn(): void {
    const [next] = waiting;
    if (next === undefined) {
      free += 1;
      return;
    }
    const [caller, queue] = next;
    const start = queue.shift();
    waiting.delete(caller);
    if (queue.length > 0) waiting.set(caller, queue);
    start?.();
  }

  return async (caller, work) => {
    if (free > 0) free -= 1;
    else await wait(caller);
    try {
      return await work();
    } finally {
      passPermitOn();
    }
  };
}
