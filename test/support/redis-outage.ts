import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import type { Relay } from './relay.ts';
import { startRelay } from './relay.ts';

const BEFORE_SECONDS = 2;
const AFTER_SECONDS = 3;
/** So many that a read that waits for a query does not hold up the requests behind it: a connection sends one at a time. */
const CONNECTIONS = 100;

/** The answers that the clients of an API received. */
interface SeenByClients {
  readonly answered: number;
  readonly answersPerSecond: number;
  readonly serverErrors: number;
  readonly clientErrors: number;
  /** Requests without an answer. */
  readonly failed: number;
}

/**
 * Sends requests at a fixed rate while Redis is reachable, then not, then again.
 * @param redis address of Redis, and the relay over which the API reaches it
 * @returns what the clients saw, and the relay that was opened again
 */
export async function loadDuringOutage(
  load: { readonly url: string; readonly paths: readonly string[]; readonly perSecond: number },
  redis: { readonly address: string; readonly relay: Relay },
  outageSeconds: number,
): Promise<{ readonly seen: SeenByClients; readonly relay: Relay }> {
  const seconds = BEFORE_SECONDS + outageSeconds + AFTER_SECONDS;
  const running = autocannon({
    url: load.url,
    requests: load.paths.map((path) => ({ path })),
    connections: CONNECTIONS,
    overallRate: load.perSecond,
    duration: seconds,
    timeout: 30,
  });
  await sleep(BEFORE_SECONDS * 1000);
  const { port } = redis.relay;
  await redis.relay.close();
  await sleep(outageSeconds * 1000);
  const relay = await startRelay(redis.address, port);
  const { '2xx': answered, '4xx': clientErrors, '5xx': serverErrors, errors } = await running;
  const answersPerSecond = Math.round(answered / seconds);
  return { seen: { answered, answersPerSecond, serverErrors, clientErrors, failed: errors }, relay };
}
