import { describe, expect, test } from 'vitest';
import { parsePrediction, parsePredictions } from '../../../../clients/ml-api/predictions.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../../../domain/scoring/model-features.ts';

const profile = (kol_id: string) => ({ kol_id }) as ModelFeatures;
const prediction = (kol_id: string) => ({
  kol_id,
  trust_score: 80,
  is_trustworthy: true,
  confidence: 0.9,
  risk_level: 'low',
  prediction_source: 'model',
  model_version: 'v1',
  timestamp: '2026-01-31T12:00:00Z',
});
const single = (response: unknown) => () =>
  parsePrediction('/predict/trust', JSON.stringify(response), profile('a'));
const batch = (...kolIds: string[]) => JSON.stringify({ predictions: kolIds.map(prediction) });

describe('the responses of the ML API', () => {
  test('predictions of a batch are returned in the order of the profiles', () => {
    const parsed = parsePredictions('/batch', batch('b', 'a', 'other'), [profile('a'), profile('b')]);
    expect(parsed.map(({ kol_id }) => kol_id)).toEqual(['a', 'b']);
  });

  test('a profile without prediction is an error', () => {
    expect(() => parsePredictions('/batch', batch('a'), [profile('a'), profile('b')])).toThrow(
      'ML API /batch: no prediction for one of the profiles',
    );
    expect(single(prediction('b'))).toThrow('no prediction for one of the profiles');
  });

  test('a response that is not JSON or not a prediction is an error', () => {
    expect(() => parsePrediction('/predict/trust', '<html>', profile('a'))).toThrow(
      'the response is not JSON',
    );
    expect(single({ ...prediction('a'), trust_score: 101 })).toThrow(MlApiUnavailableError);
    expect(single({ ...prediction('a'), risk_level: 'none' })).toThrow('the response is not a prediction');
  });
});
