import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { startDeployment, type Deployment } from './deployment.ts';
import { ids, profilesOf, refusedOf, withClient } from './ml-client.ts';

/** Single calls are answered within it, also on a busy machine. */
const TIMEOUT_SECONDS = 0.5;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.stop());

const batchSizes = () =>
  deployment
    .calls()
    .filter(({ path }) => path.endsWith('/batch'))
    .map(({ kolIds }) => kolIds.length);
const largestBatch = () => Math.max(...batchSizes());

describe('a batch endpoint that needs longer than the timeout for a full batch', () => {
  test('scores all profiles in smaller batches, and gets no larger ones for 10 minutes', async () => {
    const slow = { maxTimelyBatch: 30 };
    await withClient(
      deployment,
      slow,
      async (api) => {
        expect(await refusedOf(api, ids(100))).toEqual([]);
        expect(batchSizes().sort((a, b) => b - a)).toEqual([100, 50, 50, 25, 25, 25, 25]);
        deployment.behave(slow);
        expect(await refusedOf(api, ids(205))).toEqual([]);
        expect(largestBatch()).toBe(25);
        vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 + 1 });
        try {
          deployment.behave({});
          expect(await refusedOf(api, ids(100))).toEqual([]);
          expect(batchSizes()).toEqual([100]);
        } finally {
          vi.useRealTimers();
        }
      },
      TIMEOUT_SECONDS,
    );
  });

  test('scores all profiles, for any batch size that it can answer in time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 110 }),
        fc.integer({ min: 1, max: 210 }),
        async (max, size) => {
          const slow = { maxTimelyBatch: max };
          await withClient(
            deployment,
            slow,
            async (api) => {
              expect(await refusedOf(api, ids(size))).toEqual([]);
              deployment.behave(slow);
              expect(await refusedOf(api, ids(size))).toEqual([]);
              expect(largestBatch()).toBeLessThanOrEqual(max);
            },
            TIMEOUT_SECONDS,
          );
        },
      ),
      { numRuns: 4 },
    );
  });
});

test('a profile that makes the model hang does not make batches smaller', async () => {
  await withClient(
    deployment,
    { faults: { 'kol-3': 'hang' } },
    async (api) => {
      await refusedOf(api, ['known']);
      await expect(api.score(profilesOf(ids(100)))).rejects.toThrow(MlApiUnavailableError);
      deployment.behave({});
      expect(await refusedOf(api, ids(100))).toEqual([]);
      expect(batchSizes()).toEqual([100]);
    },
    TIMEOUT_SECONDS,
  );
});
