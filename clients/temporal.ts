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
