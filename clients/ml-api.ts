import {
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleType,
  isBrokenCircuitError,
  retry,
  wrap,
} from 'cockatiel';
import pLimit from 'p-limit';
import { Pool } from 'undici';
import { z } from 'zod';
import { riskLevels, type Prediction } from '../domain/entities/score.ts';
import type { ModelFeatures } from '../domain/scoring/model-features.ts';

/** The ML API could not score now: down, slow, overloaded or answering nonsense. Worth another try later. */
export class MlApiUnavailableError extends Error {
  readonly code = 'ML_API_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MlApiUnavailableError';
  }
}

/** The ML API refused one profile (4xx); trying again will not help. */
export interface Refusal {
  readonly refused: string;
}

export type ScoreResult = Prediction | Refusal;
export const isRefusal = (result: ScoreResult): result is Refusal => 'refused' in result;

export interface MlApi {
  /**
   * Scores profiles, in order: through the batch endpoint where the deployment has it, else one call each.
   * @throws MlApiUnavailableError when any of them could not be scored
   */
  score(profiles: readonly ModelFeatures[], signal?: AbortSignal): Promise<ScoreResult[]>;
  /**
   * How many profiles it pays to ask about before they are wanted: with single calls as many as are in flight at once. A
   * batch call takes as long for the rest of its profiles as for all.
   */
  speculativeCapacity(): number;
  close(): Promise<void>;
}

const prediction = z.object({
  kol_id: z.string(),
  trust_score: z.number().min(0).max(100),
  is_trustworthy: z.boolean(),
  confidence: z.number().min(0).max(1),
  risk_level: z.enum(riskLevels),
  prediction_source: z.string(),
  model_version: z.string(),
  timestamp: z.string(),
});
const predictions = z.object({ predictions: z.array(prediction) });

/** Profiles in one batch call: at 1,000 a batch this is 10 calls, which share the concurrency of single calls. */
export const BATCH_SIZE = 100;
/** A deployment that lacked the batch endpoint is asked again after this long, it may have been upgraded. */
const BATCH_RECHECK_MS = 10 * 60_000;

/** Tries of one call before the activity fails and Temporal's longer backoff takes over. */
const CALL_RETRIES = 2;
/** After so many failed calls in a row the service is left alone, then one call tries it. */
const BREAKER_FAILURES = 10;
const BREAKER_OPEN_MS = 2000;

type Reply = { readonly status: number; readonly body: string };

/** Calls over a kept-alive pool of at most `concurrency` connections. */
export function createMlApi({
  url,
  timeoutSeconds,
  concurrency,
}: {
  url: string;
  timeoutSeconds: number;
  concurrency: number;
}): MlApi {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: concurrency,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    connect: { timeout: 2000 },
  });
  const limit = pLimit(concurrency);
  let batchMissingSince: number | undefined;

  const unavailable = handleType(MlApiUnavailableError);
  const resilient = wrap(
    retry(unavailable, { maxAttempts: CALL_RETRIES, backoff: new ExponentialBackoff({ initialDelay: 50 }) }),
    circuitBreaker(unavailable, {
      halfOpenAfter: BREAKER_OPEN_MS,
      breaker: new ConsecutiveBreaker(BREAKER_FAILURES),
    }),
  );

  async function post(path: string, payload: unknown, signal?: AbortSignal): Promise<Reply> {
    try {
      return await resilient.execute(() => postOnce(path, payload, signal));
    } catch (error) {
      if (!isBrokenCircuitError(error)) throw error;
      throw new MlApiUnavailableError(
        `ML API ${path}: left alone for ${BREAKER_OPEN_MS / 1000} s after failures in a row`,
      );
    }
  }

  async function postOnce(path: string, payload: unknown, signal?: AbortSignal): Promise<Reply> {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: `${base}${path}`,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify(payload),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      const reply = { status: statusCode, body: await body.text() };
      if (statusCode !== 200 && !isClientError(statusCode) && !lacksBatch(statusCode))
        throw new MlApiUnavailableError(`ML API ${path}: HTTP ${statusCode}`);
      return reply;
    } catch (error) {
      if (signal?.aborted || error instanceof MlApiUnavailableError) throw error;
      const reason = timeout.aborted ? `no answer in ${timeoutSeconds} s` : (error as Error).message;
      throw new MlApiUnavailableError(`ML API ${path}: ${reason}`, { cause: error });
    }
  }

  async function scoreOne(profile: ModelFeatures, signal?: AbortSignal): Promise<ScoreResult> {
    const { status, body } = await post('/predict/trust', profile, signal);
    if (isClientError(status)) return { refused: `HTTP ${status}: ${body.slice(0, 200)}` };
    const [answer] = checkedAnswers(
      '/predict/trust',
      body,
      prediction.transform((one) => [one]),
      [profile],
    );
    if (answer === undefined) throw new MlApiUnavailableError('ML API answered nothing');
    return answer;
  }

  const scoreEach = (profiles: readonly ModelFeatures[], signal?: AbortSignal) =>
    Promise.all(profiles.map((profile) => limit(() => scoreOne(profile, signal))));

  async function scoreBatch(
    profiles: readonly ModelFeatures[],
    signal?: AbortSignal,
  ): Promise<ScoreResult[]> {
    const { status, body } = await limit(() => post('/predict/trust/batch', { kols: profiles }, signal));
    if (lacksBatch(status)) {
      batchMissingSince = Date.now();
      return scoreEach(profiles, signal);
    }
    // One profile that the model refuses fails the whole batch call: find it by asking one at a time.
    if (isClientError(status)) return scoreEach(profiles, signal);
    return checkedAnswers(
      '/predict/trust/batch',
      body,
      predictions.transform(({ predictions: all }) => all),
      profiles,
    );
  }

  const batchMissing = () =>
    batchMissingSince !== undefined && Date.now() - batchMissingSince < BATCH_RECHECK_MS;

  return {
    speculativeCapacity: () => (batchMissing() ? concurrency : 0),
    async score(profiles, signal) {
      if (batchMissing() || profiles.length === 1) return scoreEach(profiles, signal);
      const chunks: ModelFeatures[][] = [];
      for (let start = 0; start < profiles.length; start += BATCH_SIZE)
        chunks.push(profiles.slice(start, start + BATCH_SIZE));
      return (await Promise.all(chunks.map((chunk) => scoreBatch(chunk, signal)))).flat();
    },
    close: () => pool.close(),
  };
}

/** What a deployment without the batch endpoint answers. */
const lacksBatch = (status: number) => status === 404 || status === 405 || status === 501;

/** 408 and 429 pass; every other 4xx is about the request itself. */
const isClientError = (status: number) => status >= 400 && status < 500 && status !== 408 && status !== 429;

/** Answers in the order of the profiles asked for; one for each, each for its KOL. */
function checkedAnswers(
  path: string,
  body: string,
  schema: z.ZodType<Prediction[]>,
  asked: readonly ModelFeatures[],
): Prediction[] {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new MlApiUnavailableError(`ML API ${path}: the answer is not JSON`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new MlApiUnavailableError(
      `ML API ${path}: the answer is not a prediction: ${z.prettifyError(parsed.error)}`,
    );
  const byId = new Map(parsed.data.map((answer) => [answer.kol_id, answer]));
  return asked.map(({ kol_id }) => {
    const answer = byId.get(kol_id);
    if (answer === undefined)
      throw new MlApiUnavailableError(`ML API ${path}: no prediction for one of the profiles`);
    return answer;
  });
}
