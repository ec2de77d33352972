import { afterAll, beforeEach } from 'vitest';
import { createApp, createRoutes } from '../../api/app.ts';
import { createHttpServer, listen } from '../../api/create-http-server.ts';
import { apiProfile, createDependencies } from '../../api/dependencies.ts';
import type { Route } from '../../api/route.ts';
import { createClients } from '../../clients/create-clients.ts';
import { createLogger } from '../../clients/logger.ts';
import { closeRedis, connectRedis, type RedisClient } from '../../clients/redis.ts';
import { loadConfig, type Config } from '../../config/config.ts';
import { expectDocumented, type Answer } from './documented-answer.ts';
import { testEngines } from './test-engines.ts';

export type { Answer };

/** An address at which nothing listens. */
export const UNREACHABLE_ADDRESS = '127.0.0.1:1';
/** The user of its queries, which distinguishes them from those of other test files. */
export const API_TRINO_USER = `api-${process.pid}`;
/** The Redis database of the API tests. */
const REDIS_DATABASE = 1;

/** The environment of an API on the engines of the tests. */
export function apiEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const engines = testEngines();
  return {
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/${REDIS_DATABASE}`,
    ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
    LOG_LEVEL: 'silent',
    TRINO_USER: API_TRINO_USER,
    API_DEADLINE_SECONDS: '55', // a busy machine answers late
    API_L1_MEGABYTES: '0', // so that a test sees what Redis has
    ...more,
  };
}

/** The configuration of an API on the engines of the tests. */
export const apiConfig = (more: Readonly<Record<string, string>> = {}): Config =>
  loadConfig(apiEnvironment(more));

export interface RunningApi {
  readonly url: string;
  /** Checks the answer against the OpenAPI document. @param path relative to the root */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Sends a request with or without a JSON body. Checks the answer against the OpenAPI document. */
  send(
    method: string,
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** The API over real clients, listening on a free port. */
export async function startApi(more: Readonly<Record<string, string>> = {}): Promise<RunningApi> {
  const config = apiConfig(more);
  const log = createLogger('api', config.LOG_LEVEL);
  const clients = createClients(config, apiProfile(config), log);
  const dependencies = await createDependencies(config, clients, log);
  const server = createHttpServer(createApp(dependencies), dependencies);
  const routes = createRoutes(dependencies);
  return {
    ...clientOf(`http://127.0.0.1:${(await listen(server, 0, '127.0.0.1')).port}`, routes),
    async close() {
      server.close();
      server.closeAllConnections();
      await dependencies.close();
      await clients.close();
    },
  };
}

/** A client of the API at this URL. */
export function clientOf(url: string, routes: readonly Route[]): Omit<RunningApi, 'close'> {
  async function request(method: string, path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(url + path, { ...init, method });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    const json = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
    const answer = { status: response.status, headers: response.headers, text, json };
    expectDocumented(routes, method, path, answer);
    return answer;
  }

  return {
    url,
    // Without this header fetch adds `no-cache` to a conditional request. The API ignores `no-transform`.
    get: (path, headers = {}) =>
      request('GET', path, { headers: { 'cache-control': 'no-transform', ...headers } }),
    send: (method, path, body, headers = {}) =>
      request(
        method,
        path,
        body === undefined
          ? { headers }
          : { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) },
      ),
  };
}

/** A client of the Redis of an API, for background work. Registers hooks: Redis is empty at the start of each test, and at the end. */
export async function useRedis(more: Readonly<Record<string, string>> = {}): Promise<RedisClient> {
  const redis = await connectRedis(apiConfig(more).REDIS_URL, 'work', { onError: () => {} });
  beforeEach(() => redis.flushdb());
  afterAll(async () => {
    await redis.flushdb();
    await closeRedis(redis);
  });
  return redis;
}

/** Runs an API during the tests of a file, with a client of its Redis. Call it at the top level of the file. */
export async function useApi(more: Readonly<Record<string, string>> = {}) {
  const [api, redis] = [await startApi(more), await useRedis(more)];
  afterAll(() => api.close());
  return { api, redis };
}

/** The token of the APIs that tests start. */
export const TOKEN = 'token-of-the-api-tests';
export const withToken = { authorization: `Bearer ${TOKEN}` };

/** The header with the source of the value. */
export const cacheStatus = ({ headers }: Answer): string | null => headers.get('cache-status');
