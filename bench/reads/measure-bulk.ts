import { processorSeconds } from '../core-shares.ts';
import { fetchEach } from './fetch-each.ts';
import { BULK_IDS, type ReadBench } from './start-servers.ts';

/** Bulk reads in each round; each has the same ids as 100 single reads. */
const BULKS_PER_ROUND = 20;
const GOAL = 0.25;

/** Processor time of a bulk read of 100 profiles from Redis, compared with 100 single reads. Rounds are interleaved. */
export async function measureBulk({ bench, servers, rounds }: ReadBench): Promise<void> {
  const { url, pid } = await servers.api('api-bulk', { API_L1_MEGABYTES: '0', LOG_LEVEL: 'info' });
  const bulks = Array.from({ length: BULKS_PER_ROUND }, () => `${url}/api/v1/kols?ids=${BULK_IDS.join()}`);
  const singles = bulks.flatMap(() => BULK_IDS.map((id) => `${url}/api/v1/kols/${id}`));
  const spent = { bulks: 0, singles: 0 };
  const measure = async (what: keyof typeof spent, urls: readonly string[]) => {
    const before = processorSeconds(pid);
    await fetchEach(urls);
    spent[what] += processorSeconds(pid) - before;
  };
  for (const urls of [bulks, singles]) await fetchEach(urls); // compiles the code that runs
  for (let round = 0; round < rounds; round += 1) {
    await measure('bulks', bulks);
    await measure('singles', singles);
  }
  const ms = (seconds: number) => ((seconds * 1000) / (rounds * BULKS_PER_ROUND)).toFixed(1);
  bench.figure({
    what: 'processor time of a bulk of 100 from Redis, and of 100 single reads',
    value: `${ms(spent.bulks)} ms, ${ms(spent.singles)} ms: ${(spent.bulks / spent.singles).toFixed(2)} ×`,
    against: `goal ≤ ${GOAL} ×`,
    ratio: spent.bulks / spent.singles / GOAL,
  });
}
