import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startApi, type RunningApi } from './api.ts';
import { testConfig, testDependencies } from './dependencies.ts';
import { endReceiver, sendRequest, TOKEN } from './etl-loads.ts';

/** Registers hooks that run the API with a token during the tests of a file. Each test starts without a receiver of loads. */
export function useEtlLoadsApi() {
  const config = testConfig(11);
  let dependencies: Awaited<ReturnType<typeof testDependencies>>;
  let api: RunningApi;

  beforeAll(async () => {
    dependencies = await testDependencies(config);
    api = await startApi({ API_TOKEN: TOKEN });
  });
  afterAll(async () => {
    await api.close();
    await dependencies.close();
  });
  beforeEach(() => endReceiver(dependencies.temporal));
  afterEach(() => endReceiver(dependencies.temporal));

  return {
    redisUrl: config.REDIS_URL,
    dependencies: () => dependencies,
    url: () => api.url,
    send: (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) =>
      sendRequest(api.url, method, path, body, headers),
  };
}
