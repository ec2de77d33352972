import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  createSpeculativeScorer,
  type SpeculativeScorer,
} from '../../../../activities/scoring/speculative-scorer.ts';
import { createMlApi, isRefusal, type MlApi } from '../../../../clients/ml-api.ts';
import { profileOf as profile } from '../../../support/model-features.ts';
import { startMlService } from '../../../support/ml-service.ts';

const CONCURRENCY = 8;
let ml: Awaited<ReturnType<typeof startMlService>>;
let api: MlApi;
let scorer: SpeculativeScorer;
/** The KOLs of each call to the client. */
let requests: string[][];

const profiles = (...ids: string[]) => ids.map((id) => profile(id));
/** The KOL of each result, or the start of its refusal. */
const summaryOf = async (results: ReturnType<SpeculativeScorer['score']>) =>
  (await results).map((result) => (isRefusal(result) ? result.refused.slice(0, 8) : result.kol_id));

beforeAll(async () => {
  ml = await startMlService({ latencyMs: 1, faults: true });
});
afterAll(() => ml.stop());

beforeEach(async () => {
  await ml.setFaults({ batch: false });
  const inner = createMlApi({ url: ml.url, timeoutSeconds: 1, concurrency: CONCURRENCY });
  requests = [];
  api = {
    ...inner,
    score(features, signal) {
      requests.push(features.map(({ kol_id }) => kol_id));
      return inner.score(features, signal);
    },
  };
  scorer = createSpeculativeScorer(api);
  return () => inner.close();
});

describe('the speculative scorer', () => {
  test('has capacity once the service takes single calls: as many as may run in parallel', async () => {
    expect(scorer.capacity()).toBe(0);
    await scorer.score('0', profiles('a', 'b'));
    expect(scorer.capacity()).toBe(CONCURRENCY);
  });

  test('does not request a score twice, and keeps the order', async () => {
    scorer.scoreAhead('0', profiles('b', 'd'));
    expect(await summaryOf(scorer.score('0', profiles('a', 'b', 'c', 'd')))).toEqual(['a', 'b', 'c', 'd']);
    expect(requests).toEqual([
      ['b', 'd'],
      ['a', 'c'],
    ]);
  });

  test('uses a score once, and only for the partition it was requested for', async () => {
    scorer.scoreAhead('0', profiles('a'));
    expect(await summaryOf(scorer.score('1', profiles('a')))).toEqual(['a']);
    expect(await summaryOf(scorer.score('0', profiles('a')))).toEqual(['a']);
    expect(await summaryOf(scorer.score('0', profiles('a')))).toEqual(['a']);
    expect(requests).toEqual([['a'], ['a'], ['a']]);
  });

  test('does not use a score of features that have changed', async () => {
    scorer.scoreAhead('0', [profile('a', 10)]);
    const [result] = await scorer.score('0', [profile('a', 10_000_000)]);
    const [expected] = await api.score([profile('a', 10_000_000)]);
    expect(result).toMatchObject({ trust_score: (expected as { trust_score: number }).trust_score });
    expect(requests.slice(0, 2)).toEqual([['a'], ['a']]);
  });

  test('keeps a refusal as a result', async () => {
    await ml.setFaults({ batch: false, refuse: ['a'] });
    scorer.scoreAhead('0', profiles('a', 'b'));
    expect(await summaryOf(scorer.score('0', profiles('a', 'b')))).toEqual(['HTTP 422', 'b']);
    expect(requests).toEqual([['a', 'b']]);
  });

  test('requests a score again when the first request failed, and throws when the second fails too', async () => {
    await ml.setFaults({ status: 503 });
    scorer.scoreAhead('0', profiles('a'));
    await expect(scorer.score('0', profiles('a', 'b'))).rejects.toThrow(/HTTP 503/);
    scorer.scoreAhead('0', profiles('a'));
    const results = scorer.score('0', profiles('a'));
    await ml.setFaults({ batch: false });
    expect(await summaryOf(results)).toEqual(['a']);
  });
});
