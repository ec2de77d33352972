import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inject } from 'vitest';
import { createApp } from '../../api/app.ts';
import { createDependencies } from '../../api/dependencies.ts';
import { createLogger } from '../../clients/logger.ts';
import { loadConfig, type Config } from '../../config/config.ts';

/** Nothing listens here. */
export const NOBODY = '127.0.0.1:1';
/** The Redis database of the API's tests. */
const REDIS_DATABASE = 1;

/** The configuration of an API on the engines of the tests. */
export function apiConfig(more: Readonly<Record<string, string>> = {}): Config {
  const engines = inject('engines');
  return loadConfig({
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/${REDIS_DATABASE}`,
    ML_API_URL: `http://${NOBODY}`,
    LOG_LEVEL: 'silent',
    ...more,
  });
}

/** An answer of the API, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; compared whole or in parts by the tests. */
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
  const dependencies = await createDependencies(config, createLogger('api', config.LOG_LEVEL));
  const server = createServer(createApp(dependencies));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async get(path, headers = {}) {
      // fetch makes a conditional request unconditional (no-cache) unless it is told otherwise.
      const response = await fetch(url + path, { headers: { 'cache-control': 'max-age=0', ...headers } });
      const text = await response.text();
      const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
      return { status: response.status, headers: response.headers, text, json };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await dependencies.close();
    },
  };
}

/** Where an answer came from. */
export const cacheStatus = ({ headers }: Answer): string | null => headers.get('cache-status');
