import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClients, type Clients } from '../../../../clients/create-clients.ts';
import { createLogger } from '../../../../clients/logger.ts';
import { MAX_ID_LENGTH } from '../../../../domain/values/text-ids.ts';
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

  test('of a name on two platforms end with the account that was processed last', async () => {
    const schema = `${config.TRINO_CATALOG}.twins_${process.pid}`;
    const trino = (sql: string) => queryTrino(config.TRINO_URL, sql);
    const table = `${config.TRINO_CATALOG}.${config.TRINO_SCHEMA}.kol_trust_features`;
    const columns = (await trino(`SHOW COLUMNS FROM ${table}`)).map(([name]) => String(name));
    const row = (kolId: string, platform: string, processedAt: string) => {
      const values = { kol_id: kolId, platform, processed_at: processedAt };
      const cells = columns.map((name) =>
        name in values ? `'${values[name as keyof typeof values]}' AS ${name}` : name,
      );
      return `(SELECT ${cells.join(', ')} FROM ${table} LIMIT 1)`;
    };
    const [earlier, later] = ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00Z'];
    const rows = [
      row('a', 'tiktok', earlier),
      row('a', 'youtube', later),
      row('b', 'youtube', earlier),
      row('b', 'tiktok', later),
    ];
    await trino(`CREATE SCHEMA ${schema}`);
    const twins = createClients(
      testConfig(0, { TRINO_SCHEMA: `twins_${process.pid}` }),
      { ...workerProfile(config), snapshotFeatures: false },
      createLogger('test', config.LOG_LEVEL),
    );
    try {
      await trino(`CREATE TABLE ${schema}.kol_trust_features AS ${rows.join(' UNION ALL ')}`);
      const found = await twins.lakehouse().trustFeatures(['a', 'b']);
      const last = new Map(found.map(({ kol_id, platform }) => [kol_id, platform]));
      expect([...last].sort()).toEqual([
        ['a', 'youtube'],
        ['b', 'tiktok'],
      ]);
      expect(found).toHaveLength(4);
    } finally {
      await twins.close();
      await trino(`DROP SCHEMA ${schema} CASCADE`);
    }
  });

  test('are looked up for 5,000 of the longest names', async () => {
    const names = Array.from({ length: 5000 }, (_, index) => String(index).padEnd(MAX_ID_LENGTH, "'"));
    expect(await clients.lookUpFeatures()(names)).toEqual({ byId: new Map(), complete: true });
  });
});
