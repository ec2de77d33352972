import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDeployment, type Deployment } from './deployment.ts';
import {
  anyBatch,
  crash,
  ids,
  nonsense,
  profilesOf,
  reasonsOf,
  refusal,
  refusedOf,
  serverError,
  spoiltRound,
  untilIdle,
  withClient,
} from './ml-client.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.stop());

describe('of a service that works', () => {
  test('exactly the profiles that spoil their calls are refused, and all others are scored', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBatch,
        spoiltRound(fc.oneof(refusal, serverError, nonsense, crash)),
        async (batch, { kolIds, faults }) => {
          const good = 'a good one';
          await withClient(deployment, { ...batch, faults }, async (api) => {
            expect(await refusedOf(api, [...kolIds, good])).toEqual(Object.keys(faults).sort());
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('a profile that spoils its call is refused also alone, once the service has scored another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(serverError, nonsense, crash), async (fault) => {
        await withClient(deployment, { faults: { bad: fault } }, async (api) => {
          expect(await refusedOf(api, ['good'])).toEqual([]);
          expect(await refusedOf(api, ['bad'])).toEqual(['bad']);
        });
      }),
      { numRuns: 15 },
    );
  });

  test('a refusal needs one single call, with or without other profiles', async () => {
    for (const status of [400, 413, 422])
      await withClient(deployment, { faults: { bad: status } }, async (api) => {
        expect(await reasonsOf(api, ['bad'])).toEqual({
          bad: `HTTP ${status}: {"detail":"status ${status}"}`,
        });
        expect(deployment.calls().length).toBe(1);
      });
  });

  test('the reason of a refusal is what the service answered', async () => {
    const faults = { a: 500, b: 'html', c: 'out-of-range', d: 'other-id' } as const;
    await withClient(deployment, { faults }, async (api) => {
      expect(await reasonsOf(api, [...Object.keys(faults), 'good'])).toEqual({
        a: 'HTTP 500: {"detail":"status 500"} (each time, while another profile was scored)',
        b: expect.stringContaining('the response is not JSON: <html>') as string,
        c: expect.stringContaining('the response is not a prediction: trust_score: ') as string,
        d: expect.stringContaining('no prediction for one of the profiles') as string,
      });
    });
  });

  test('one profile of 100 is found with a few calls', async () => {
    await withClient(deployment, { faults: { 'kol-41': 422 } }, async (api) => {
      expect(await refusedOf(api, ids(100))).toEqual(['kol-41']);
      expect(deployment.calls().length).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(100)));
    });
  });

  test('a batch endpoint that the deployment lacks is not called again', async () => {
    for (const lacksBatch of [404, 405, 501])
      await withClient(deployment, { lacksBatch }, async (api) => {
        await refusedOf(api, ids(20));
        await refusedOf(api, ids(20));
        expect(deployment.calls().filter(({ path }) => path.endsWith('/batch')).length).toBe(1);
      });
  });

  test('errors of single profiles never open the circuit', async () => {
    await withClient(deployment, { faults: { bad: 500 } }, async (api) => {
      await refusedOf(api, ['good']);
      for (let round = 0; round < 25; round += 1) expect(await refusedOf(api, ['bad'])).toEqual(['bad']);
      expect(await refusedOf(api, ids(5))).toEqual([]);
    });
  });
});

describe('a signal', () => {
  test('ends the round at once, with its reason, and no call follows', async () => {
    await withClient(
      deployment,
      { outage: ({ index }) => (index > 3 ? 'hang' : undefined), lacksBatch: 404 },
      async (api) => {
        const cancelled = new AbortController();
        const results = api.score(profilesOf(ids(100)), { signal: cancelled.signal });
        void untilIdle(deployment).then(() => cancelled.abort(new Error('cancelled')));
        await expect(results).rejects.toThrow('cancelled');
        const calls = deployment.calls().length;
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(deployment.calls().length).toBe(calls);
      },
    );
  });

  test('that lives longer than the calls keeps nothing of them', async () => {
    const { signal } = new AbortController();
    const warnings: unknown[] = [];
    const onWarning = (warning: unknown) => warnings.push(warning);
    process.on('warning', onWarning);
    await withClient(deployment, { lacksBatch: 404, faults: { 'kol-1': 500, 'kol-2': 422 } }, async (api) => {
      for (let round = 0; round < 3; round += 1) await reasonsOf(api, ids(50), { signal });
    });
    process.off('warning', onWarning);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(dependantsOf(signal)).toBe(0);
    expect(warnings).toEqual([]);
  });
});

/** Signals that AbortSignal.any has made of this one, which Node 20 keeps as long as it. */
function dependantsOf(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find((key) => String(key).includes('ependant'));
  const dependants = symbol && (signal as unknown as Record<symbol, Set<unknown> | undefined>)[symbol];
  return dependants?.size ?? 0;
}
