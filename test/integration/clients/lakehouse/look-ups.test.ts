import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClients, type Clients } from '../../../../clients/create-clients.ts';
import { createLogger } from '../../../../clients/logger.ts';
import { MAX_ID_LENGTH } from '../../../../domain/values/id.ts';
import { workerProfile } from '../../../../workers/create-activities.ts';
import { testConfig } from '../../../support/dependencies.ts';
import { queryTrino } from '../../../support/trino.ts';

let clients: Clients;
const config = testConfig(0, { SCORING_ENRICH_DEADLINE_MS: '60000' });
beforeAll(() => {
  // No snapshot: each look-up has to query.
  const profile = { ...workerProfile(config), snapshotFeatures: false };
  clients = createClients(config, profile, createLogger('test', config.LOG_LEVEL));
});
afterAll(() => clients.close());

describe('the features of accounts', () => {
  test('are read completely and in the order of the names, as a snapshot needs them', async () => {
    const names: string[] = [];
    for await (const page of clients.lakehouse().allTrustFeatures())
      names.push(...page.map(({ kol_id }) => kol_id));
    const table = `${config.TRINO_CATALOG}.${config.TRINO_SCHEMA}.kol_trust_features`;
    const expected = await queryTrino(config.TRINO_URL, `SELECT kol_id FROM ${table} ORDER BY kol_id`);
    expect(names).toEqual(expected.map(([name]) => name));
  });

  test('are looked up for 5,000 of the longest names', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => String(index).padEnd(MAX_ID_LENGTH, "'"));
    expect(await clients.lookUpFeatures()(names)).toEqual({ byId: new Map(), complete: true });
  });
});
