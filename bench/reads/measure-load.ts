import autocannon from 'autocannon';
import { processorSeconds } from '../core-shares.ts';

/** A server under load. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

/** What a server did under load. */
export interface Load {
  readonly requestsPerSecond: number;
  /** Requests for each second of processor time of the server: it does not depend on what the load generator can send. */
  readonly requestsPerCoreSecond: number;
}

const CONNECTIONS = 32;

/** Sends as many requests as the server answers. @throws Error when an answer is not a 200 */
export async function measureLoad({ name, url, pid }: Target, seconds: number): Promise<Load> {
  const before = processorSeconds(pid);
  const { requests, non2xx, errors } = await autocannon({ url, connections: CONNECTIONS, duration: seconds });
  if (non2xx + errors > 0) throw new Error(`${name}: ${non2xx} answers were not 200, ${errors} failed`);
  return {
    requestsPerSecond: requests.total / seconds,
    requestsPerCoreSecond: requests.total / (processorSeconds(pid) - before),
  };
}
