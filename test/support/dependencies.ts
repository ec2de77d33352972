import type { Client } from '@temporalio/client';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { createActivities, workerProfile } from '../../workers/create-activities.ts';
import { testEngines } from './test-engines.ts';

/** Configuration of a worker on the engines of the tests. Each file has its own Redis database and consumer group. */
export function testConfig(redisDatabase: number, more: Readonly<Record<string, string>> = {}): Config {
  const engines = testEngines();
  return loadConfig({
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/${redisDatabase}`,
    ML_API_URL: 'http://127.0.0.1:1',
    LOG_LEVEL: 'error',
    ...more,
  });
}

/** The activities of a worker over real clients. */
export interface TestDependencies {
  readonly activities: Awaited<ReturnType<typeof createActivities>>;
  readonly temporal: Client;
  /** Like a worker that starts to shut down. */
  drain(): void;
  close(): Promise<void>;
}

/** Composes a worker as workers/main.ts does. */
export async function testDependencies(config: Config): Promise<TestDependencies> {
  const clients = createClients(config, workerProfile(config), createLogger('test', config.LOG_LEVEL));
  const temporal = await clients.temporal();
  const draining = new AbortController();
  return {
    activities: await createActivities(config, clients, draining.signal),
    temporal,
    drain: () => draining.abort(),
    close: () => clients.close(),
  };
}
