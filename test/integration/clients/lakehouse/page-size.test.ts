import { expect, test } from 'vitest';
import { createTrino } from '../../../../clients/lakehouse/trino.ts';
import { testEngines } from '../../../support/test-engines.ts';

test('a large result comes in pages of about 1 MB, because each running query holds one in memory', async () => {
  const { TRINO_URL } = testEngines();
  const trino = createTrino({ url: TRINO_URL, user: 'page-size', queryTimeoutSeconds: 100 });
  const sizes: number[] = [];
  const sql = `SELECT rpad(CAST(n AS VARCHAR), 5000, 'x') AS text FROM UNNEST(sequence(1, 10000)) AS t(n)`;
  for await (const page of trino.pages(sql, { columns: ['text'] })) sizes.push(JSON.stringify(page).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(50_000_000);
  expect(Math.max(...sizes)).toBeLessThan(3_000_000);
  // Small ones would cost a round trip for few rows each.
  expect(sizes.length).toBeLessThan(200);
});
