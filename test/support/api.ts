import { inject } from 'vitest';
import { createApp } from '../../api/app.ts';
import { createHttpServer, listen } from '../../api/create-http-server.ts';
import { apiProfile, createDependencies } from '../../api/dependencies.ts';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig, type Config } from '../../config/config.ts';

/** An address at which nothing listens. */
export const UNREACHABLE_ADDRESS = '127.0.0.1:1';
/** The Redis database of the API tests. */
const REDIS_DATABASE = 1;

/** The configuration of an API on the engines of the tests. */
export function apiConfig(more: Readonly<Record<string, string>> = {}): Config {
  const engines = inject('engines');
  return loadConfig({
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/${REDIS_DATABASE}`,
    ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
    LOG_LEVEL: 'silent',
    API_L1_MEGABYTES: '0', // so that a test sees what Redis has
    ...more,
  });
}

/** A response of the API with its body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; {} when it is empty. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface RunningApi {
  readonly url: string;
  /** @param path relative to the root */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): Promise<void>;
}

/** The API over real clients, listening on a free port. */
export async function startApi(more: Readonly<Record<string, string>> = {}): Promise<RunningApi> {
  const config = apiConfig(more);
  const log = createLogger('api', config.LOG_LEVEL);
  const clients = createClients(config, apiProfile(config), log);
  const dependencies = await createDependencies(config, clients, log);
  const server = createHttpServer(createApp(dependencies), dependencies.answerReady);
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  return {
    url,
    async get(path, headers = {}) {
      // Without this header fetch adds `no-cache` to a conditional request, which makes it unconditional.
      const response = await fetch(url + path, { headers: { 'cache-control': 'max-age=0', ...headers } });
      const text = await response.text();
      const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      return { status: response.status, headers: response.headers, text, json };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await dependencies.close();
      await clients.close();
    },
  };
}

/** The header that says from where the API took the value. */
export const cacheStatus = ({ headers }: Answer): string | null => headers.get('cache-status');
