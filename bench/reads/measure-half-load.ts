import autocannon from 'autocannon';
import { measureLoad } from './measure-load.ts';
import { PROFILE_PATH, type ReadBench } from './start-servers.ts';

const GOAL_MS = 5;
const CONNECTIONS = 32;

/** Latency of hits at a fixed rate: half of what the API answers at most. From L1, and from Redis. */
export async function measureHalfLoad({ bench, servers, seconds }: ReadBench): Promise<void> {
  for (const [what, env] of [
    ['L1', {}],
    ['Redis', { API_L1_MEGABYTES: '0' }],
  ] as const) {
    const server = await servers.api(`api-half-${what}`, env);
    const target = { ...server, url: server.url + PROFILE_PATH };
    await measureLoad(target, 1); // compiles the code that runs
    const { requestsPerSecond } = await measureLoad(target, seconds);
    const rate = Math.round(requestsPerSecond / 2);
    const { latency, non2xx, errors } = await autocannon({
      ...{ url: target.url, connections: CONNECTIONS, overallRate: rate },
      duration: 3 * seconds,
    });
    if (non2xx + errors > 0) throw new Error(`${non2xx} answers were not 200, ${errors} failed`);
    bench.figure({
      what: `p99 of hits in ${what} at half load`,
      value: `${latency.p99} ms (median ${latency.p50} ms) at ${rate}/s`,
      against: `goal ≤ ${GOAL_MS} ms`,
      ratio: latency.p99 / GOAL_MS,
    });
  }
}
