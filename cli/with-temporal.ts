import type { Client } from '@temporalio/client';
import { connectTemporal } from '../clients/temporal/connect.ts';
import { readCommandConfig } from './read-config.ts';
import type { TemporalUi } from './workflow-link.ts';

/**
 * Runs a command with a client of Temporal, and closes the client afterwards.
 * @throws ConfigError or TemporalUnavailableError
 */
export async function withTemporal(work: (temporal: Client, ui: TemporalUi) => Promise<void>): Promise<void> {
  const config = readCommandConfig(['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_UI_URL']);
  const temporal = await connectTemporal(config.TEMPORAL_ADDRESS, config.TEMPORAL_NAMESPACE);
  try {
    await work(temporal, config);
  } finally {
    await temporal.connection.close();
  }
}
