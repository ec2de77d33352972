import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMlApi, isRefusal, type MlApi, type ScoreOptions } from '../../../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { withTimeLimit } from '../../../../domain/values/abortable.ts';
import { until } from '../../../support/until.ts';
import { startDeployment, type Deployment } from './deployment.ts';
import { ids, profilesOf, untilIdle, withClient } from './ml-client.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.stop());

const timeUpAfter = (ms: number) => {
  const time = new AbortController();
  setTimeout(() => time.abort(), ms);
  return time.signal;
};
function timeUpWhenIdle(): AbortSignal {
  const time = new AbortController();
  void untilIdle(deployment).then(() => time.abort());
  return time.signal;
}
/** The KOLs that have results, in order; a refused one with an exclamation mark. */
const scoredOf = async (api: MlApi, kolIds: readonly string[], options: ScoreOptions) =>
  (await api.score(profilesOf(kolIds), options)).map((result, index) =>
    isRefusal(result) ? `${kolIds[index]}!` : result.kol_id,
  );

describe('when the time is up', () => {
  test('the results before the first missing one are returned, and the calls in flight stop', async () => {
    const faults = { 'kol-20': 'hang' } as const;
    await withClient(deployment, { lacksBatch: 404, faults }, async (api) => {
      expect(await scoredOf(api, ids(100), { timeUp: timeUpWhenIdle() })).toEqual(ids(20));
      // The calls after it were made, so only the order decides.
      expect(deployment.calls().some(({ kolIds }) => kolIds.includes('kol-99'))).toBe(true);
    });
  });

  test('the batches before the first missing one are returned', async () => {
    await withClient(deployment, { faults: { 'kol-250': 'hang' } }, async (api) => {
      expect(await scoredOf(api, ids(500), { timeUp: timeUpWhenIdle() })).toEqual(ids(200));
    });
  });

  test('no call follows', async () => {
    const outage = ({ index }: { index: number }) => (index > 3 ? 'hang' : undefined);
    await withClient(deployment, { lacksBatch: 404, outage }, async (api) => {
      await scoredOf(api, ids(100), { timeUp: timeUpWhenIdle() });
      const calls = deployment.calls().length;
      await sleep(50);
      expect(deployment.calls().length).toBe(calls);
    });
  });

  test.each([
    ['single calls', { lacksBatch: 404 }],
    ['batch calls', {}],
  ])(
    'a profile that spoils its call does not hide the results of later profiles, with %s',
    async (_, batch) => {
      const faults = { 'kol-0': 500, 'kol-3': 'html', 'kol-150': 'hang' } as const;
      await withClient(deployment, { ...batch, faults }, async (api) => {
        const scored = await scoredOf(api, ids(200), { timeUp: timeUpWhenIdle() });
        expect(scored.slice(0, 5)).toEqual(['kol-0!', 'kol-1', 'kol-2', 'kol-3!', 'kol-4']);
        expect(scored.length).toBeGreaterThanOrEqual(100);
        expect(scored.length).toBeLessThanOrEqual(150);
      });
    },
  );

  test('an outage is no error, unlike before the time is up', async () => {
    await withClient(deployment, { outage: () => 503 }, async (api) => {
      const isLate = new AbortController();
      const late = scoredOf(api, ids(5), { timeUp: isLate.signal });
      isLate.abort();
      expect(await late).toEqual([]);
      await expect(scoredOf(api, ids(5), { timeUp: timeUpAfter(10_000) })).rejects.toThrow(
        MlApiUnavailableError,
      );
    });
  });

  test('at the start, nothing is called', async () => {
    await withClient(deployment, {}, async (api) => {
      expect(await scoredOf(api, ids(5), { timeUp: AbortSignal.abort() })).toEqual([]);
      expect(deployment.calls()).toEqual([]);
    });
  });

  test('a cancelled call still throws', async () => {
    await withClient(deployment, { outage: () => 'hang' }, async (api) => {
      const [time, cancelled] = [new AbortController(), new AbortController()];
      const scored = scoredOf(api, ids(5), { timeUp: time.signal, signal: cancelled.signal });
      time.abort();
      cancelled.abort(new Error('cancelled'));
      await expect(scored).rejects.toThrow('cancelled');
    });
  });

  test('a call that is cancelled is not retried, so that the next one begins at once', async () => {
    deployment.behave({ faults: { slow: 'hang' } });
    const pauseMs = 1_000_000; // a retry would hold the only permit for half a minute
    const api = createMlApi({ url: deployment.url, timeoutSeconds: 60, concurrency: 1, pauseMs });
    const cancelled = new AbortController();
    const slow = scoredOf(api, ['slow'], { signal: cancelled.signal });
    await until('the call has begun', () => Promise.resolve(deployment.calls().length === 1));
    const next = scoredOf(api, ['next'], {});
    cancelled.abort(new MlApiUnavailableError('ML API: too slow for a reader')); // an error that is retried otherwise
    await expect(slow).rejects.toThrow('too slow');
    expect(await withTimeLimit(20, () => next)).toEqual(['next']);
    await api.close();
  });

  test('only after the last result, all profiles have results', async () => {
    await withClient(deployment, { faults: { 'kol-7': 422 } }, async (api) => {
      const scored = await scoredOf(api, ids(250), { timeUp: timeUpAfter(10_000) });
      expect(scored).toEqual(ids(250).map((id) => (id === 'kol-7' ? `${id}!` : id)));
    });
  });

  test('signals that live longer than the call keep nothing of it', async () => {
    const [{ signal }, time] = [new AbortController(), new AbortController()];
    await withClient(deployment, { lacksBatch: 404, faults: { 'kol-1': 500 } }, async (api) => {
      for (let round = 0; round < 3; round += 1)
        await scoredOf(api, ids(50), { signal, timeUp: time.signal });
    });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(getEventListeners(time.signal, 'abort')).toEqual([]);
  });
});

test('a quiet caller does not wait for the calls of busy ones', async () => {
  await withClient(deployment, { lacksBatch: 404 }, async (api) => {
    await scoredOf(api, ids(20), {}); // finds that there is no batch endpoint
    deployment.behave({ lacksBatch: 404 });
    const busy = ['a', 'b', 'c', 'd', 'e', 'f'].map((caller) => scoredOf(api, ids(100), { caller }));
    await Promise.all([...busy, scoredOf(api, ['quiet'], { caller: 'quiet' })]);
    const position = deployment.calls().findIndex(({ kolIds }) => kolIds.includes('quiet'));
    // 8 calls run already; then each caller has a turn. Calls arrive a little out of order.
    expect(position).toBeLessThan(8 + 7 + 8);
  });
});
