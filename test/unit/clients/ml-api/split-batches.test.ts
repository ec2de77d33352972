import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitBatches } from '../../../../clients/ml-api.ts';
import { profileOf } from '../../../support/model-features.ts';
import { type Deployment, startDeployment } from './deployment.ts';
import { ids, profilesOf, withClient } from './ml-client.ts';

const idsOf = (kolIds: readonly string[], size: number) =>
  splitBatches(profilesOf(kolIds), size).map((batch) => batch.map(({ kol_id }) => kol_id));

describe('batches of profiles', () => {
  test('are full and in order when all ids differ', () => {
    expect(idsOf(ids(5), 2)).toEqual([['kol-0', 'kol-1'], ['kol-2', 'kol-3'], ['kol-4']]);
    expect(idsOf([], 2)).toEqual([]);
  });

  test('have each id once, in any spelling that a service may take for the same', () => {
    expect(idsOf(['a', 'a', 'b', 'B', 'c', '@c'], 10)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'B', '@c'],
    ]);
  });

  test('together have all profiles', () => {
    const kolIds = fc.array(fc.constantFrom('a', 'b', 'c', 'A', '@a', ' b'), { maxLength: 30 });
    fc.assert(
      fc.property(kolIds, fc.integer({ min: 1, max: 5 }), (all, size) => {
        const batches = idsOf(all, size);
        expect(batches.flat().sort()).toEqual([...all].sort());
        for (const batch of batches) {
          const spellings = batch.map((id) => id.replace(/[@ ]/g, '').toLowerCase());
          expect(new Set(spellings).size).toBe(batch.length);
          expect(batch.length).toBeLessThanOrEqual(size);
        }
      }),
    );
  });
});

describe('one name on two platforms', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await startDeployment();
  });
  afterAll(() => deployment.stop());

  test('gets the score of its own account each time, also when a service answers in another order', async () => {
    await withClient(deployment, { scoreByFollowers: true, reverse: true }, async (api) => {
      const profiles = [7, 70].flatMap((followers) => ids(30).map((id) => profileOf(id, followers)));
      const scores = (await api.score(profiles)).map(
        (result) => 'trust_score' in result && result.trust_score,
      );
      expect(scores).toEqual(profiles.map(({ followers_count }) => followers_count));
      expect(deployment.calls().map(({ kolIds }) => kolIds.length)).toEqual([30, 30]);
    });
  });
});
