import { Client, Connection } from '@temporalio/client';

/** Temporal's frontend did not answer. */
export class TemporalUnavailableError extends Error {
  readonly code = 'TEMPORAL_UNAVAILABLE';
  constructor(address: string, options?: ErrorOptions) {
    super(`Temporal at ${address} does not answer; check TEMPORAL_ADDRESS, or start it (npm start)`, options);
    this.name = 'TemporalUnavailableError';
  }
}

/**
 * Temporal client over one connection; close the connection when done.
 * @throws TemporalUnavailableError
 */
export async function connectTemporal(address: string, namespace: string): Promise<Client> {
  try {
    return new Client({
      connection: await Connection.connect({ address, connectTimeout: '10 seconds' }),
      namespace,
    });
  } catch (error) {
    throw new TemporalUnavailableError(address, { cause: error });
  }
}

/** Where a Temporal that was away is looked for again at least this often. */
const RECONNECT_MS = 5_000;

/**
 * Temporal client that connects with its first call, so that its owner starts and serves without Temporal; each call needs a
 * deadline. Close the connection when done.
 */
export const connectTemporalLazily = (address: string, namespace: string): Client =>
  new Client({
    connection: Connection.lazy({
      address,
      channelArgs: { 'grpc.max_reconnect_backoff_ms': RECONNECT_MS },
    }),
    namespace,
  });
