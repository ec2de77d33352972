import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSpeculativeScorer, type SpeculativeScorer } from '../../../activities/scoring/speculative-scorer.ts';
import { createMlApi, isRefusal, type MlApi } from '../../../clients/ml-api.ts';
import type { ModelFeatures } from '../../../domain/scoring/model-features.ts';
import { startMlService } from '../../support/ml-service.ts';

const CONCURRENCY = 8;
let ml: Awaited<ReturnType<typeof startMlService>>;
let api: MlApi;
let predict: SpeculativeScorer;
/** Who was asked about, one list a call of the client. */
let asked: string[][];

const profile = (kol_id: string, followers_count = 1000): ModelFeatures => ({
  kol_id,
  followers_count,
  following_count: 10,
  post_count: 20,
  favorites_count: 30,
  account_age_days: 400,
  verified: false,
  has_bio: true,
  has_url: false,
  has_profile_image: true,
  bio_length: 12,
});
const profiles = (...ids: string[]) => ids.map((id) => profile(id));
const answeredOf = async (results: ReturnType<SpeculativeScorer['score']>) =>
  (await results).map((result) => (isRefusal(result) ? result.refused.slice(0, 8) : result.kol_id));

beforeAll(async () => {
  ml = await startMlService({ latencyMs: 1, faults: true });
});
afterAll(() => ml.stop());

beforeEach(async () => {
  await ml.setFaults({ batch: false });
  const inner = createMlApi({ url: ml.url, timeoutSeconds: 1, concurrency: CONCURRENCY });
  asked = [];
  api = {
    ...inner,
    score(wanted, signal) {
      asked.push(wanted.map(({ kol_id }) => kol_id));
      return inner.score(wanted, signal);
    },
  };
  predict = createSpeculativeScorer(api);
  return () => inner.close();
});

describe('asking the model ahead', () => {
  test('pays where it takes single calls, as many as go at once', async () => {
    expect(predict.capacity()).toBe(0);
    await predict.score('0', profiles('a', 'b'));
    expect(predict.capacity()).toBe(CONCURRENCY);
  });

  test('saves asking again, and keeps the order', async () => {
    predict.scoreAhead('0', profiles('b', 'd'));
    expect(await answeredOf(predict.score('0', profiles('a', 'b', 'c', 'd')))).toEqual(['a', 'b', 'c', 'd']);
    expect(asked).toEqual([
      ['b', 'd'],
      ['a', 'c'],
    ]);
  });

  test('serves once, and only the place it was for', async () => {
    predict.scoreAhead('0', profiles('a'));
    expect(await answeredOf(predict.score('1', profiles('a')))).toEqual(['a']);
    expect(await answeredOf(predict.score('0', profiles('a')))).toEqual(['a']);
    expect(await answeredOf(predict.score('0', profiles('a')))).toEqual(['a']);
    expect(asked).toEqual([['a'], ['a'], ['a']]);
  });

  test('does not answer for features that are others by now', async () => {
    predict.scoreAhead('0', [profile('a', 10)]);
    const [late] = await predict.score('0', [profile('a', 10_000_000)]);
    const [true_] = await api.score([profile('a', 10_000_000)]);
    expect(late).toMatchObject({ trust_score: (true_ as { trust_score: number }).trust_score });
    expect(asked.slice(0, 2)).toEqual([['a'], ['a']]);
  });

  test('takes a refusal for an answer', async () => {
    await ml.setFaults({ batch: false, refuse: ['a'] });
    predict.scoreAhead('0', profiles('a', 'b'));
    expect(await answeredOf(predict.score('0', profiles('a', 'b')))).toEqual(['HTTP 422', 'b']);
    expect(asked).toEqual([['a', 'b']]);
  });

  test('that failed is asked again, and fails whoever wants the answer when that fails too', async () => {
    await ml.setFaults({ status: 503 });
    predict.scoreAhead('0', profiles('a'));
    await expect(predict.score('0', profiles('a', 'b'))).rejects.toThrow(/HTTP 503/);
    predict.scoreAhead('0', profiles('a'));
    const wanted = predict.score('0', profiles('a'));
    await ml.setFaults({ batch: false });
    expect(await answeredOf(wanted)).toEqual(['a']);
  });
});
