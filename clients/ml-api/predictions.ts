import { z } from 'zod';
import { riskLevels } from '../../domain/entities/score.ts';
import type { ModelFeatures } from '../../domain/scoring/model-features.ts';
import type { Prediction } from '../../domain/scoring/prediction.ts';
import { MlApiUnavailableError } from './unavailable-error.ts';

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

/**
 * Parses the response to one profile.
 * @throws MlApiUnavailableError when it is not the prediction of that profile
 */
export function parsePrediction(path: string, body: string, profile: ModelFeatures): Prediction {
  const parsed = parseBody(path, body, prediction);
  if (parsed.kol_id !== profile.kol_id) throw missingPrediction(path);
  return parsed;
}

/**
 * Parses the response to a batch.
 * @returns one prediction per profile, in the order of the profiles
 * @throws MlApiUnavailableError when a profile has no prediction
 */
export function parsePredictions(
  path: string,
  body: string,
  profiles: readonly ModelFeatures[],
): Prediction[] {
  const parsed = parseBody(path, body, predictions);
  const byId = new Map(parsed.predictions.map((one) => [one.kol_id, one]));
  return profiles.map(({ kol_id }) => {
    const found = byId.get(kol_id);
    if (found === undefined) throw missingPrediction(path);
    return found;
  });
}

function parseBody<T>(path: string, body: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    throw new MlApiUnavailableError(`ML API ${path}: the response is not JSON`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw new MlApiUnavailableError(
      `ML API ${path}: the response is not a prediction: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

const missingPrediction = (path: string) =>
  new MlApiUnavailableError(`ML API ${path}: no prediction for one of the profiles`);
