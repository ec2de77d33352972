import { createClients, type Clients, type ProcessProfile } from '../clients/create-clients.ts';
import { createLogger } from '../clients/logger.ts';
import type { Config } from '../config/config.ts';
import { readCommandConfig } from './read-config.ts';

const cliProfile: ProcessProfile = {
  name: 'kol-cache-cli',
  redisUse: 'work',
  maxQuerySeconds: Infinity,
  schemaMaxAgeSeconds: 60,
  lazyTemporal: false,
  snapshotFeatures: false,
};

/**
 * Runs a command over clients and closes them afterwards. The clients log nothing: their failures are thrown, and the command
 * prints them once.
 * @throws ConfigError naming the missing variable
 */
export async function withClients(work: (clients: Clients, config: Config) => Promise<void>): Promise<void> {
  const config = readCommandConfig();
  const clients = createClients(config, cliProfile, createLogger('cli', 'silent'));
  try {
    await work(clients, config);
  } finally {
    await clients.close();
  }
}
