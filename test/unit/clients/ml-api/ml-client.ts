import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect } from 'vitest';
import { createMlApi, isRefusal, type MlApi, type ScoreOptions } from '../../../../clients/ml-api.ts';
import { profileOf } from '../../../support/model-features.ts';
import { scoreOf, type Behaviour, type Deployment, type Fault } from './deployment.ts';

export const TIMEOUT_SECONDS = 5;

const IDLE_MS = 300;
/** Waits until the service has received no call for a while: then all answerable calls are answered, and the others hang. */
export async function untilIdle(deployment: Deployment): Promise<void> {
  for (let before = -1; before !== deployment.calls().length;) {
    before = deployment.calls().length;
    await sleep(IDLE_MS);
  }
}

export const profilesOf = (kolIds: readonly string[]) => kolIds.map((kolId) => profileOf(kolId));
export const ids = (count: number) => Array.from({ length: count }, (_, index) => `kol-${index}`);

/** A client of a deployment that behaves so. Each has its own circuit and its own memory of what works. */
export async function withClient<T>(
  deployment: Deployment,
  behaviour: Behaviour,
  work: (api: MlApi) => Promise<T>,
  timeoutSeconds = TIMEOUT_SECONDS,
): Promise<T> {
  deployment.behave(behaviour);
  const api = createMlApi({ url: deployment.url, timeoutSeconds, concurrency: 8, pauseMs: 0.1 });
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}

/** Scores the KOLs and checks that each result belongs to its KOL. @returns the refused KOLs, with the reason */
export async function reasonsOf(api: MlApi, kolIds: readonly string[], options: ScoreOptions = {}) {
  const results = await api.score(profilesOf(kolIds), options);
  expect(results.length).toBe(kolIds.length);
  return Object.fromEntries(
    results.flatMap((result, index) => {
      const kolId = kolIds[index] ?? '';
      if (isRefusal(result)) return [[kolId, result.refused]];
      expect(result).toMatchObject({ kol_id: kolId, trust_score: scoreOf(kolId) });
      return [];
    }),
  );
}
/** The refused KOLs, sorted. */
export const refusedOf = async (api: MlApi, kolIds: readonly string[]) =>
  Object.keys(await reasonsOf(api, kolIds)).sort();

export const refusal: fc.Arbitrary<Fault> = fc.constantFrom(400, 413, 422);
export const serverError: fc.Arbitrary<Fault> = fc.constantFrom(500, 502, 503, 504, 507, 599);
export const nonsense: fc.Arbitrary<Fault> = fc.constantFrom<Fault>(
  'html',
  'nan',
  'out-of-range',
  'other-id',
  204,
);
/** A model server that crashes on a profile closes the connection. */
export const crash: fc.Arbitrary<Fault> = fc.constant('reset');
/** Responses that no profile can cause. */
export const outageOnly: fc.Arbitrary<Fault> = fc.constantFrom(
  ...[
    301, 302, 307, 401, 402, 403, 406, 407, 408, 409, 410, 411, 414, 415, 418, 421, 425, 426, 429, 431, 451,
  ],
);
export const anyBatch: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.constant({}),
  fc.record({ maxBatch: fc.integer({ min: 1, max: 60 }) }),
  fc.record({ lacksBatch: fc.constantFrom(404, 405, 501) }),
);
/** Small rounds, and some of several batches. */
export const sizes = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 95, max: 205 }) },
);

/** Some of the KOLs with the fault of each. */
const faultsOf = (kolIds: readonly string[], fault: fc.Arbitrary<Fault>) =>
  fc
    .subarray([...kolIds], { maxLength: Math.min(12, kolIds.length) })
    .chain((spoilt) =>
      fc
        .array(fault, { minLength: spoilt.length, maxLength: spoilt.length })
        .map((faults) => Object.fromEntries(spoilt.map((id, index) => [id, faults[index] as Fault]))),
    );
/** The KOLs of a round, and the faults of those that spoil their calls. */
export const spoiltRound = (fault: fc.Arbitrary<Fault>) =>
  sizes.chain((size) => fc.record({ kolIds: fc.constant(ids(size)), faults: faultsOf(ids(size), fault) }));
