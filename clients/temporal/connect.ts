import { Client, Connection } from '@temporalio/client';

/** The frontend of Temporal does not answer. */
export class TemporalUnavailableError extends Error {
  readonly code = 'TEMPORAL_UNAVAILABLE';
  constructor(address: string, options?: ErrorOptions) {
    super(`Temporal at ${address} does not answer; check TEMPORAL_ADDRESS, or start it (npm start)`, options);
    this.name = 'TemporalUnavailableError';
  }
}

/**
 * A Temporal client over one connection. Close the connection when done.
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

/** Longest time between two attempts to reconnect. */
const RECONNECT_MS = 5_000;

/**
 * A Temporal client that connects at its first call, so that a process can start and serve without Temporal. Every call needs
 * a deadline. Close the connection when done.
 */
export const connectTemporalLazily = (address: string, namespace: string): Client =>
  new Client({
    connection: Connection.lazy({
      address,
      channelArgs: { 'grpc.max_reconnect_backoff_ms': RECONNECT_MS },
    }),
    namespace,
  });
