import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MlApi } from '../../../../clients/ml-api.ts';
import { MlApiUnavailableError } from '../../../../clients/ml-api/unavailable-error.ts';
import { startDeployment, type Deployment, type Fault } from './deployment.ts';
import { ids, reasonsOf, withClient } from './ml-client.ts';

/** More than the failures in a row that open a circuit. */
const ROUNDS = 15;

let deployment: Deployment;
beforeAll(async () => {
  deployment = await startDeployment();
});
afterAll(() => deployment.stop());

const refusedOf = async (api: MlApi, caller: string, kolIds: readonly string[]) =>
  Object.keys(await reasonsOf(api, kolIds, { caller }));
/** Makes many rounds, one after the other. @returns the distinct results and errors */
async function distinctRounds(api: MlApi, caller: string, kolIds: readonly string[]) {
  const seen = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1)
    seen.add(
      await refusedOf(api, caller, kolIds).then(
        (refused) => `refused: ${refused.join(', ')}`,
        (error: unknown) => (error instanceof MlApiUnavailableError ? error.message : String(error)),
      ),
    );
  return [...seen];
}

describe('the circuit', () => {
  test.each<Fault>([422, 500, 503, 'html', 'nan', 'other-id'])(
    'stays closed when partitions have a profile each that the service answers with %s',
    async (fault) => {
      for (const batch of [{}, { lacksBatch: 404 }])
        await withClient(deployment, { ...batch, faults: { bad: fault } }, async (api) => {
          const partitions = ['0', '1', '2', '3'];
          const rounds = partitions.map((caller) => distinctRounds(api, caller, ['bad', ...ids(3)]));
          expect(await Promise.all(rounds)).toEqual(partitions.map(() => ['refused: bad']));
        });
    },
  );

  test('stays closed for a partition full of profiles that fail, once the service has scored another', async () => {
    const faults = Object.fromEntries(ids(20).map((id) => [id, 500]));
    await withClient(deployment, { faults }, async (api) => {
      const [full, other] = await Promise.all([
        distinctRounds(api, 'full', ids(20)),
        distinctRounds(api, 'other', ['good']),
      ]);
      expect(other).toEqual(['refused: ']);
      expect(full.at(-1)).toBe(`refused: ${ids(20).join(', ')}`);
    });
  });

  test.each<Fault>([500, 403, 'hang', 'reset'])(
    'of other partitions stays closed while each round of one ends with %s',
    async (fault) => {
      const faults = Object.fromEntries(ids(5).map((id) => [id, fault]));
      const work = async (api: MlApi) => {
        const failing = await distinctRounds(api, 'failing', ids(5));
        expect(failing.at(-1)).toMatch(/the circuit is open/);
        expect(await refusedOf(api, 'other', ['good'])).toEqual([]);
      };
      await withClient(deployment, { lacksBatch: 404, faults }, work, 0.05);
    },
  );
});
