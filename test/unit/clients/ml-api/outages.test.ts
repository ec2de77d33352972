import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { startDeployment, type Call, type Deployment, type Fault } from './deployment.ts';
import {
  anyBatch,
  crash,
  ids,
  nonsense,
  outageOnly,
  profilesOf,
  refusal,
  refusedOf,
  serverError,
  sizes,
  spoiltRound,
  TIMEOUT_SECONDS,
  withClient,
} from './ml-client.ts';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.stop());

/** Calls per round before the client gives up an outage: the calls in flight, the probes, and their repetitions. */
const CALLS_OF_AN_OUTAGE = 60;

describe('an outage', () => {
  const expectOutage = (results: Promise<unknown>) => expect(results).rejects.toThrow(MlApiUnavailableError);

  test('of any kind refuses no profile, and all are scored after it', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBatch,
        spoiltRound(refusal),
        fc.oneof(outageOnly, serverError, nonsense, crash, fc.constantFrom<Fault>(404, 405, 501)),
        async (batch, { kolIds, faults }, fault) => {
          await withClient(deployment, { ...batch, faults, outage: () => fault }, async (api) => {
            await expectOutage(api.score(profilesOf(kolIds)));
            expect(deployment.calls().length).toBeLessThan(CALLS_OF_AN_OUTAGE);
            deployment.behave({ ...batch, faults });
            expect(await refusedOf(api, kolIds)).toEqual(Object.keys(faults).sort());
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test('may stream without end: a call reads so much only', async () => {
    await withClient(deployment, { outage: () => 'endless' }, async (api) => {
      const results = api.score(profilesOf(ids(1)));
      await expectOutage(results);
      await expect(results).rejects.toThrow('exceeded max size');
    });
  });

  test('that begins or ends during a round refuses no profile', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBatch,
        sizes,
        fc.oneof(outageOnly, serverError, nonsense, crash, fc.constantFrom<Fault>(404, 405, 501)),
        fc.nat(40),
        fc.option(fc.nat(40)),
        async (batch, size, fault, begin, length) => {
          const end = length === null ? Infinity : begin + length;
          const outage = ({ index }: Call) => (index >= begin && index < end ? fault : undefined);
          await withClient(deployment, { ...batch, outage }, async (api) => {
            const refused = refusedOf(api, ids(size));
            await refused.then(
              (kolIds) => expect(kolIds).toEqual([]),
              (error: unknown) => expect(error).toBeInstanceOf(MlApiUnavailableError),
            );
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of some replicas, which fails calls at random, refuses no profile', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBatch,
        sizes,
        fc.oneof(outageOnly, serverError, nonsense, crash),
        fc.constantFrom(0.02, 0.1, 0.3, 0.5, 0.8),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (batch, size, fault, rate, dice) => {
          const outage = () => (Number(dice.next().value) < rate ? fault : undefined);
          await withClient(deployment, { ...batch, outage }, async (api) => {
            for (let round = 0; round < 3; round += 1) {
              const refused = await refusedOf(api, ids(size)).catch((error: unknown) => {
                expect(error).toBeInstanceOf(MlApiUnavailableError);
                return [];
              });
              expect(refused).toEqual([]);
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that affects only some profiles refuses none of them', async () => {
    await fc.assert(
      fc.asyncProperty(anyBatch, spoiltRound(outageOnly), async (batch, { kolIds, faults }) => {
        fc.pre(Object.keys(faults).length > 0);
        await withClient(deployment, { ...batch, faults }, async (api) => {
          await expectOutage(api.score(profilesOf([...kolIds, 'a good one'])));
        });
      }),
      { numRuns: 50 },
    );
  });

  test('is assumed when no profile is scored', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyBatch,
        sizes,
        fc.oneof(serverError, nonsense, crash),
        async (batch, size, fault) => {
          const faults = Object.fromEntries(ids(size).map((id) => [id, fault]));
          await withClient(deployment, { ...batch, faults }, (api) =>
            expectOutage(api.score(profilesOf(ids(size)))),
          );
        },
      ),
      { numRuns: 15 },
    );
  });

  test('is recognised when calls hang', async () => {
    for (const outage of [() => 'hang' as const, ({ index }: Call) => (index > 2 ? 'hang' : undefined)])
      for (const batch of [{ lacksBatch: 404 }, {}])
        await withClient(
          deployment,
          { outage, ...batch },
          async (api) => {
            await expectOutage(api.score(profilesOf(ids(450))));
            expect(deployment.calls().length).toBeLessThan(CALLS_OF_AN_OUTAGE);
          },
          0.05,
        );
  });

  test('stops the calls of its round', async () => {
    const outage = ({ kolIds }: Call) => (kolIds.includes('kol-3') ? 401 : 'hang');
    const started = performance.now();
    await withClient(deployment, { outage, lacksBatch: 404 }, async (api) => {
      await expectOutage(api.score(profilesOf(ids(200))));
    });
    expect(performance.now() - started).toBeLessThan(TIMEOUT_SECONDS * 1000);
  });

  test('opens the circuit after 10 rounds, and one call closes it after 2 s', async () => {
    await withClient(deployment, { outage: () => 503 }, async (api) => {
      for (let round = 0; round < 10; round += 1) await expectOutage(api.score(profilesOf(ids(3))));
      deployment.behave({});
      await expect(api.score(profilesOf(ids(3)))).rejects.toThrow(/the circuit is open/);
      expect(deployment.calls()).toEqual([]);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2001 });
      try {
        expect(await Promise.all([refusedOf(api, ids(3)), refusedOf(api, ids(3))])).toEqual([[], []]);
      } finally {
        vi.useRealTimers();
      }
    });
  });

  test('that continues after 2 s opens the circuit again after one call', async () => {
    await withClient(deployment, { outage: () => 401 }, async (api) => {
      for (let round = 0; round < 10; round += 1) await expectOutage(api.score(profilesOf(ids(3))));
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2001 });
      try {
        deployment.behave({ outage: () => 401 });
        await expectOutage(Promise.all([1, 2, 3].map(() => api.score(profilesOf(ids(3))))));
        expect(new Set(deployment.calls().map(({ path }) => path))).toEqual(new Set(['/predict/trust']));
        await expect(api.score(profilesOf(ids(3)))).rejects.toThrow(/the circuit is open/);
      } finally {
        vi.useRealTimers();
      }
    });
  });
});
