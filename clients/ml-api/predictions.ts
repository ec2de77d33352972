import { z } from 'zod';
import { riskLevels } from '../../domain/entities/score.ts';
import type { ModelFeatures, Prediction } from '../../domain/scoring/trust-model.ts';
import { MlApiUnavailableError } from './unavailable-error.ts';

/** The response to a call. */
export interface MlResponse {
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** The outcome of a call. */
export type Outcome =
  /** One prediction per profile, in the order of the profiles. */
  | { readonly kind: 'scored'; readonly predictions: readonly Prediction[] }
  /** The service rejects the request. For a single call: it rejects the profile. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** An error, or an answer that is no prediction. Either the service fails, or one of the profiles makes it fail. */
  | { readonly kind: 'failed'; readonly reason: string };

/** The deployment may not have the batch endpoint. */
export interface NoEndpoint {
  readonly kind: 'no-endpoint';
}

/** No answer to a batch in time. The service fails, or the batch is too large, or one of its profiles makes the model hang. */
export interface Unanswered {
  readonly kind: 'unanswered';
}

const REFUSALS = [400, 413, 422];
const NO_ENDPOINT = [404, 405, 501];

/** Tolerance for floating-point errors of a service. A value outside of it is not a valid prediction. */
const TOLERANCE = 1e-3;
const from = (minimum: number, maximum: number) =>
  z
    .number()
    .min(minimum - TOLERANCE)
    .max(maximum + TOLERANCE)
    .transform((value) => Math.min(maximum, Math.max(minimum, value)));

/** Characters of a text. Redis keeps some of them, and to normalise a long run of marks in an id takes quadratic time. */
const MAX_TEXT = 1024;
const text = z.string().max(MAX_TEXT);

const prediction = z.object({
  kol_id: text,
  trust_score: from(0, 100),
  is_trustworthy: z.boolean(),
  confidence: from(0, 1),
  risk_level: z.enum(riskLevels),
  prediction_source: text,
  model_version: text,
  timestamp: text,
});
const predictions = z.object({ predictions: z.array(prediction) });

/**
 * Reads the response to a call for one profile.
 * @throws MlApiUnavailableError when no profile can have caused the response, such as 401, 404, 429 or a redirect
 */
export function readSingle(response: MlResponse, profile: ModelFeatures): Outcome {
  return readResponse(response, (body) => readPredictions(body, prediction, (one) => [one], [profile]));
}

/**
 * Reads the response to a batch.
 * @param profiles have different normalised ids, see `splitBatches`
 * @throws MlApiUnavailableError like {@link readSingle}
 */
export function readBatch(response: MlResponse, profiles: readonly ModelFeatures[]): Outcome | NoEndpoint {
  if (NO_ENDPOINT.includes(response.status)) return { kind: 'no-endpoint' };
  return readResponse(response, (body) =>
    readPredictions(body, predictions, (batch) => batch.predictions, profiles),
  );
}

const reasonOf = ({ status, body }: MlResponse) => `HTTP ${status}: ${body.slice(0, 200)}`;

function readResponse(response: MlResponse, readBody: (body: string) => Outcome): Outcome {
  const { path, status, body } = response;
  if (status >= 200 && status < 300) return readBody(body);
  if (REFUSALS.includes(status)) return { kind: 'refused', reason: reasonOf(response) };
  if (status >= 500) return { kind: 'failed', reason: reasonOf(response) };
  throw new MlApiUnavailableError(`ML API ${path}: ${reasonOf(response)}`);
}

function readPredictions<T>(
  body: string,
  schema: z.ZodType<T>,
  answersIn: (parsed: T) => readonly Prediction[],
  profiles: readonly ModelFeatures[],
): Outcome {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { kind: 'failed', reason: `the response is not JSON: ${body.slice(0, 200)}` };
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    return { kind: 'failed', reason: `the response is not a prediction: ${firstIssue(parsed.error)}` };
  const matched = matchAnswers(profiles, answersIn(parsed.data));
  if (matched === undefined)
    return { kind: 'failed', reason: 'the response has no prediction for one of the profiles' };
  // the id in the answer may be normalised: use the id of the request
  const scored = profiles.map(({ kol_id }, index) => ({ ...(matched[index] as Prediction), kol_id }));
  return { kind: 'scored', predictions: scored };
}

const firstIssue = ({ issues: [first] }: z.ZodError) => `${first?.path.join('.')}: ${first?.message}`;

type IdKey = (kolId: string) => string;
const exactId: IdKey = (kolId) => kolId;
/**
 * One form of an id for all variants that services return: other case, other Unicode form, without "@", white space or invisible
 * characters. It lower-cases first and last, because some letters have no single counterpart.
 */
export const normalisedId: IdKey = (kolId) =>
  kolId
    .normalize('NFKC')
    .replace(/[\s\p{Cf}]/gu, '')
    .replace(/^@+/u, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC');

/** The answer to each profile; undefined if the assignment is not certain for all. */
function matchAnswers(
  profiles: readonly ModelFeatures[],
  answers: readonly Prediction[],
): readonly Prediction[] | undefined {
  for (const keyOf of [exactId, normalisedId]) {
    const matched = matchById(profiles, answers, keyOf);
    if (matched !== undefined) return matched;
  }
  return undefined;
}

/** Two profiles, or two answers, with the same key are ambiguous. */
function matchById(
  profiles: readonly ModelFeatures[],
  answers: readonly Prediction[],
  keyOf: IdKey,
): readonly Prediction[] | undefined {
  const wanted = new Set(profiles.map(({ kol_id }) => keyOf(kol_id)));
  const relevant = answers.filter(({ kol_id }) => wanted.has(keyOf(kol_id)));
  const byKey = new Map(relevant.map((answer) => [keyOf(answer.kol_id), answer]));
  const unambiguous = [wanted.size, relevant.length, byKey.size].every((size) => size === profiles.length);
  return unambiguous ? profiles.map(({ kol_id }) => byKey.get(keyOf(kol_id)) as Prediction) : undefined;
}

/** The model does not score this profile; a retry has the same result. */
interface Refusal {
  readonly refused: string;
}

export type ScoreResult = Prediction | Refusal;
export const isRefusal = (result: ScoreResult): result is Refusal => 'refused' in result;
