import pLimit from 'p-limit';
import type { ModelFeatures } from '../domain/scoring/model-features.ts';
import type { Prediction } from '../domain/scoring/prediction.ts';
import { inChunks } from '../domain/values/chunks.ts';
import { createMlHttp, isClientError, isMissingEndpoint } from './ml-api/http.ts';
import { parsePrediction, parsePredictions } from './ml-api/predictions.ts';

/** The ML API rejected one profile with a 4xx status; a retry has the same result. */
interface Refusal {
  readonly refused: string;
}

export type ScoreResult = Prediction | Refusal;
export const isRefusal = (result: ScoreResult): result is Refusal => 'refused' in result;

export interface MlApi {
  /**
   * Scores profiles and keeps their order. Uses the batch endpoint if the deployment has it, else one call per profile.
   * @throws MlApiUnavailableError when a profile could not be scored, and the signal's reason
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

/** @param concurrency number of calls that run at the same time, each over its own kept-alive connection */
export function createMlApi({
  url,
  timeoutSeconds,
  concurrency,
}: {
  url: string;
  timeoutSeconds: number;
  concurrency: number;
}): MlApi {
  const http = createMlHttp({ url, timeoutSeconds, connections: concurrency });
  const limit = pLimit(concurrency);
  let batchMissingSince: number | undefined;
  const isBatchMissing = () =>
    batchMissingSince !== undefined && Date.now() - batchMissingSince < BATCH_RECHECK_MS;

  async function scoreOne(profile: ModelFeatures, signal?: AbortSignal): Promise<ScoreResult> {
    const { status, body } = await http.post(SINGLE_PATH, profile, signal);
    if (isClientError(status)) return { refused: `HTTP ${status}: ${body.slice(0, 200)}` };
    return parsePrediction(SINGLE_PATH, body, profile);
  }

  const scoreEach = (profiles: readonly ModelFeatures[], signal?: AbortSignal) =>
    Promise.all(profiles.map((profile) => limit(() => scoreOne(profile, signal))));

  async function scoreBatch(
    profiles: readonly ModelFeatures[],
    signal?: AbortSignal,
  ): Promise<ScoreResult[]> {
    const { status, body } = await limit(() => http.post(BATCH_PATH, { kols: profiles }, signal));
    if (isMissingEndpoint(status)) {
      batchMissingSince = Date.now();
      return scoreEach(profiles, signal);
    }
    // One profile that the model rejects fails the complete batch call. Single calls find that profile.
    if (isClientError(status)) return scoreEach(profiles, signal);
    return parsePredictions(BATCH_PATH, body, profiles);
  }

  return {
    speculativeCapacity: () => (isBatchMissing() ? concurrency : 0),
    async score(profiles, signal) {
      if (isBatchMissing() || profiles.length === 1) return scoreEach(profiles, signal);
      const batches = [...inChunks(profiles, BATCH_SIZE)].map((batch) => scoreBatch(batch, signal));
      return (await Promise.all(batches)).flat();
    },
    close: () => http.close(),
  };
}
