import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { startStack, type RunningStack } from '../../engines/start-stack.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { startApiProcess, type ApiProcess } from '../support/api-process.ts';
import { loadDuringOutage } from '../support/redis-outage.ts';
import { startRelay, type Relay } from '../support/relay.ts';
import { usualReads } from '../support/usual-reads.ts';
import { until } from '../support/until.ts';

const OUTAGE_SECONDS = 60;
const REQUESTS_PER_SECOND = 500;
/** The share of the requests per second that the load has to reach, otherwise the API answered slowly. */
const MIN_SHARE = 0.95;

let stack: RunningStack;
let relay: Relay;
let api: ApiProcess;
let address: string;
beforeAll(async () => {
  const report = () => {};
  stack = await startStack({
    folder: join(stackFolder, 'redis-outage'),
    ports: await freePorts(),
    empty: true,
    report,
  });
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, REDIS_URL } = stack.addresses;
  await fillLakehouse({ trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report });
  address = new URL(REDIS_URL).host;
  relay = await startRelay(address);
  api = startApiProcess({
    ...stack.addresses,
    REDIS_URL: `redis://127.0.0.1:${relay.port}`,
    ML_API_URL: 'http://127.0.0.1:1',
    API_PORT: '0',
    LOG_LEVEL: 'info',
  });
});
afterAll(async () => {
  api.child.kill('SIGKILL');
  await relay.close();
  await stack.stop();
});

test('Redis gone for a minute at 500 requests/s: L1 and the lakehouse answer all of them', async () => {
  const [, port] = await api.waitForOutput(/"port":(\d+)/);
  const url = `http://127.0.0.1:${port}`;
  const paths = await usualReads(url, stack.addresses, 50);
  const outage = await loadDuringOutage(
    { url, paths, perSecond: REQUESTS_PER_SECOND },
    { address, relay },
    OUTAGE_SECONDS,
  );
  ({ relay } = outage);
  console.log(outage.seen);
  expect(outage.seen).toMatchObject({ serverErrors: 0, clientErrors: 0, failed: 0 });
  expect(outage.seen.answersPerSecond).toBeGreaterThanOrEqual(MIN_SHARE * REQUESTS_PER_SECOND);
  for (const path of paths)
    await until(`${path} is from L1 again`, async () => {
      const { headers } = await fetch(url + path);
      return headers.get('cache-status')?.startsWith('kol-l1; hit') === true;
    });
});
