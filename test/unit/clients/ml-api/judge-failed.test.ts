import { expect, test } from 'vitest';
import { judgeFailed } from '../../../../clients/ml-api/judge-failed.ts';
import type { Outcome } from '../../../../clients/ml-api/predictions.ts';
import type { SingleCalls } from '../../../../clients/ml-api/probe-service.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import type { ModelFeatures } from '../../../../domain/scoring/trust-model.ts';

const profile = (kol_id: string) => ({ kol_id }) as ModelFeatures;
const scored: Outcome = { kind: 'scored', predictions: [] };
const failure: Outcome = { kind: 'failed', reason: 'HTTP 500' };
const calls = (score: (kolId: string) => Outcome, known = true): SingleCalls => ({
  score: ({ kol_id }) => Promise.resolve(score(kol_id)),
  knownProfile: () => (known ? profile('known') : undefined),
  pause: () => Promise.resolve(),
});
/** The KOLs that are decided, with the kind of the decision. */
async function judge(kolIds: readonly string[], service: SingleCalls) {
  const decided = await judgeFailed(new Map(kolIds.map((id) => [profile(id), 'HTTP 500'])), service);
  return Object.fromEntries([...decided].map(([{ kol_id }, { kind }]) => [kol_id, kind]));
}

test('a profile is refused that fails each time while the known profile is scored', async () => {
  const service = calls((id) => (id.startsWith('bad') ? failure : scored));
  expect(await judge(['bad-1', 'bad-2', 'unlucky'], service)).toEqual({
    'bad-1': 'refused',
    'bad-2': 'refused',
    unlucky: 'scored',
  });
});

test('a profile that is rejected in the meantime is refused for the reason of the rejection', async () => {
  const rejection: Outcome = { kind: 'refused', reason: 'HTTP 422' };
  const decided = await judgeFailed(
    new Map([[profile('bad'), 'HTTP 500']]),
    calls(() => rejection),
  );
  expect([...decided.values()]).toEqual([rejection]);
});

test('nothing is decided while the known profile fails, or while there is none', async () => {
  await expect(
    judge(
      ['a'],
      calls(() => failure),
    ),
  ).rejects.toThrow(MlApiUnavailableError);
  await expect(
    judge(
      ['a'],
      calls(() => failure, false),
    ),
  ).rejects.toThrow('HTTP 500');
});

test.each([0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 0.95])(
  'a service that fails calls at random, at a rate of %d, does not make a profile look faulty',
  async (rate) => {
    const service = calls(() => (Math.random() < rate ? failure : scored));
    let refused = 0;
    for (let run = 0; run < 1500; run += 1)
      for (const kolIds of [['a'], ['a', 'b', 'c']])
        await judge(kolIds, service).then(
          (decided) => (refused += Object.values(decided).filter((kind) => kind === 'refused').length),
          (error: unknown) => expect(error).toBeInstanceOf(MlApiUnavailableError),
        );
    // It happens to less than one in a million of these 6,000: one is bad luck, two are a defect.
    expect(refused).toBeLessThanOrEqual(1);
  },
);

test('a profile that always fails is refused in the end, even if 1 % of the other calls fail', async () => {
  const service = calls((id) => (id === 'bad' || Math.random() < 0.01 ? failure : scored));
  const isRefused = () =>
    judge(['bad', 'good'], service).then(
      (decided) => decided['bad'] === 'refused',
      () => false,
    );
  let rounds = 1;
  while (!(await isRefused())) rounds += 1;
  expect(rounds).toBeLessThan(30);
});
