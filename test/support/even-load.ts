import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';

const CONNECTIONS = 32;

/** What the clients of an API saw. */
interface SeenByClients {
  readonly answered: number;
  readonly non2xx: number;
  /** Requests without an answer. */
  readonly failed: number;
  /** Of each answer, in milliseconds. */
  readonly latencies: readonly number[];
}

/** Requests that a process answers per second at most, over as many connections as `loadEvenly` uses. */
export async function saturate(url: string, paths: readonly string[], seconds: number): Promise<number> {
  const requests = paths.map((path) => ({ path }));
  const { '2xx': answered } = await autocannon({
    url,
    requests,
    connections: CONNECTIONS,
    duration: seconds,
  });
  return answered / seconds;
}

/**
 * Sends requests at a fixed rate, evenly: each connection of autocannon sends the requests of a second at the start of its own second, so
 * the connections begin at different times.
 */
export async function loadEvenly(
  url: string,
  paths: readonly string[],
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<SeenByClients> {
  const seen = { answered: 0, non2xx: 0, failed: 0, latencies: [] as number[] };
  const load = async (_: unknown, index: number) => {
    await sleep((index * 1000) / CONNECTIONS);
    const requests = paths.map((path) => ({ path }));
    const rate = { overallRate: Math.round(perSecond / CONNECTIONS), duration: seconds, timeout: 30 };
    const running = autocannon({ url, requests, connections: 1, ...rate }, () => {});
    running.on('response', (_client, _status, _bytes, ms) => seen.latencies.push(ms));
    const [result] = (await once(running, 'done')) as [autocannon.Result];
    seen.answered += result['2xx'];
    seen.non2xx += result.non2xx;
    seen.failed += result.errors;
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, load));
  return seen;
}
