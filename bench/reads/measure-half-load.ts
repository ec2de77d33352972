import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { percentile } from '../figures.ts';
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
    const latencies = await latenciesAt(rate, target.url, 3 * seconds);
    const p99 = percentile(latencies, 99);
    bench.figure({
      what: `p99 of hits in ${what} at half load`,
      value: `${p99} ms (median ${percentile(latencies, 50)} ms) at ${rate}/s`,
      against: `goal ≤ ${GOAL_MS} ms`,
      ratio: p99 / GOAL_MS,
    });
  }
}

/**
 * Sends requests evenly: each connection of autocannon sends its requests of a second one after the other at the start of its own
 * second, so the seconds of the connections begin at different times. If all began together, the server would have full load for half of each second.
 * @returns the latency of each answer, in milliseconds
 * @throws Error when an answer is not a 200
 */
async function latenciesAt(rate: number, url: string, seconds: number): Promise<number[]> {
  const latencies: number[] = [];
  const connections = Array.from({ length: CONNECTIONS }, async (_, index) => {
    await sleep((index * 1000) / CONNECTIONS);
    const options = { url, connections: 1, overallRate: Math.round(rate / CONNECTIONS), duration: seconds };
    const running = autocannon(options, () => {});
    running.on('response', (_client, _status, _bytes, ms) => latencies.push(ms));
    const [{ non2xx, errors }] = (await once(running, 'done')) as [autocannon.Result];
    if (non2xx + errors > 0) throw new Error(`${non2xx} answers were not 200, ${errors} failed`);
  });
  await Promise.all(connections);
  return latencies;
}
