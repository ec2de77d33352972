import { createLakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { createSilverCatalog } from '../../clients/lakehouse/silver-catalog.ts';
import { createTrino } from '../../clients/lakehouse/trino.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { median } from '../figures.ts';
import { fetchEach } from './fetch-each.ts';
import type { ReadBench } from './start-servers.ts';

const PAIRS = 200;
const WARM_UP_PAIRS = 10;
const GOAL_MS = 15;

/** The time that a miss takes in addition to the bare query: sequential pairs of both, with different ids for each pair. */
export async function measureMisses({ bench, servers }: ReadBench): Promise<void> {
  const { addresses } = bench.stack;
  const [trinoUrl, catalog, schema] = [addresses.TRINO_URL, addresses.TRINO_CATALOG, addresses.TRINO_SCHEMA];
  await fillLakehouse({ trinoUrl, catalog, schema, report: console.log });
  const trino = createTrino({ url: trinoUrl, user: 'bench', queryTimeoutSeconds: 60 });
  const lakehouse = createLakehouse(
    trino,
    createSilverCatalog(trino, { catalog, schema, maxAgeSeconds: 3600 }),
  );
  const count = 2 * (PAIRS + WARM_UP_PAIRS);
  const rows = await trino.rows(`SELECT kol_id FROM ${catalog}.${schema}.kol_profiles LIMIT ${count}`, {
    columns: ['kol_id'],
  });
  const ids = rows.map(([id]) => id ?? '');
  const { url } = await servers.api('api-misses', {});
  const bare = async (id: string) => void (await lakehouse.profilesById([id]));
  const miss = (id: string) => fetchEach([`${url}/api/v1/kols/${encodeURIComponent(id)}`]);

  const above: number[] = [];
  const bareTimes: number[] = [];
  for (let pair = 0; pair < PAIRS + WARM_UP_PAIRS; pair += 1) {
    const [first = '', second = ''] = ids.slice(2 * pair);
    const isApiFirst = pair % 2 === 0;
    const missMs = isApiFirst ? await timeOf(() => miss(first)) : undefined;
    const bareMs = await timeOf(() => bare(second));
    const ms = missMs ?? (await timeOf(() => miss(first)));
    if (pair < WARM_UP_PAIRS) continue;
    above.push(ms - bareMs);
    bareTimes.push(bareMs);
  }
  bench.figure({
    what: `a miss above the bare query, median of ${PAIRS} pairs`,
    value: `${median(above).toFixed(1)} ms above ${median(bareTimes).toFixed(0)} ms`,
    against: `goal ≤ ${GOAL_MS} ms`,
    ratio: median(above) / GOAL_MS,
  });
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
