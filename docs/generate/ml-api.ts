import type { ModelFeatures, Prediction } from '../../domain/scoring/trust-model.ts';
import { codeBlock, fieldTable, type NameDoc } from './markdown.ts';
import { sampleFeatures, samplePrediction } from './samples.ts';

const COUNT = 'integer ≥ 0';

const featureDocs: Readonly<Record<keyof ModelFeatures, NameDoc>> = {
  kol_id: { type: 'string', meaning: 'the KOL; the answer repeats it' },
  followers_count: { type: COUNT, meaning: '0 if unknown' },
  following_count: { type: COUNT, meaning: '0 if unknown' },
  post_count: { type: COUNT, meaning: '0 if unknown' },
  favorites_count: { type: COUNT, meaning: '0 if unknown' },
  account_age_days: { type: 'integer ≥ 1', meaning: '365 if unknown' },
  verified: { type: 'boolean', meaning: 'false if unknown' },
  has_bio: { type: 'boolean', meaning: 'false if unknown' },
  has_url: { type: 'boolean', meaning: 'false if unknown' },
  has_profile_image: { type: 'boolean', meaning: 'false if unknown' },
  bio_length: { type: COUNT, meaning: 'characters (code points) of the biography' },
};

const predictionDocs: Readonly<Record<keyof Prediction, NameDoc>> = {
  kol_id: { type: 'string', meaning: 'the KOL of the request' },
  trust_score: { type: 'number 0–100', meaning: 'the score' },
  is_trustworthy: { type: 'boolean', meaning: 'score ≥ 50' },
  confidence: { type: 'number 0–1', meaning: 'how sure the model is' },
  risk_level: {
    type: 'string',
    meaning: '`low` (score ≥ 80), `moderate` (≥ 60), `elevated` (≥ 40) or `high`',
  },
  prediction_source: { type: 'string', meaning: 'what made the prediction; not stored' },
  model_version: { type: 'string', meaning: 'stored with the score' },
  timestamp: {
    type: 'string',
    meaning: 'ISO 8601 time of the prediction; becomes the `timestamp` of the score',
  },
};

/** Request and answer of the ML API. */
export const modelSections = (): Readonly<Record<string, string>> => ({
  'model-request': fieldTable('ModelFeatures', Object.keys(sampleFeatures), featureDocs),
  'model-answer': fieldTable('Prediction', Object.keys(samplePrediction), predictionDocs),
  'model-example': codeBlock(
    'json',
    JSON.stringify({ request: sampleFeatures, answer: samplePrediction }, null, 2),
  ),
});
