import { Client, Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { createDependencies, type Dependencies } from '../../workers/dependencies.ts';

/** The configuration of a worker on the engines of the tests; each file has a Redis database and a consumer group of its own. */
export function testConfig(redisDatabase: number, more: Readonly<Record<string, string>> = {}): Config {
  const engines = inject('engines');
  return loadConfig({
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/${redisDatabase}`,
    ML_API_URL: 'http://127.0.0.1:1',
    LOG_LEVEL: 'error',
    ...more,
  });
}

/** A worker's activities over real clients, and the Temporal client they use. */
export async function testDependencies(config: Config): Promise<Dependencies & { temporal: Client }> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS });
  const temporal = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const log = createLogger('test', config.LOG_LEVEL);
  const dependencies = await createDependencies(config, temporal, log, new AbortController().signal);
  return {
    ...dependencies,
    temporal,
    async close() {
      await dependencies.close();
      await connection.close();
    },
  };
}
