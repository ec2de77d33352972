import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import { UNREACHABLE_ADDRESS, useRedis } from '../../support/api.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { startBalancedClient } from '../../support/balanced-client.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { startHeldTrino } from '../../support/held-trino.ts';
import { testEngines } from '../../support/test-engines.ts';
import { until } from '../../support/until.ts';

const redis = await useRedis();
const started: ApiProcess[] = [];
afterAll(() => started.forEach(({ child }) => child.kill('SIGKILL')));

function start(environment: Readonly<Record<string, string>>): ApiProcess {
  const server = startApiProcess(environment);
  started.push(server);
  return server;
}

describe('the server process', () => {
  test('finishes the requests in flight on SIGTERM', async () => {
    const { REDIS_URL, TRINO_URL, ...engines } = testEngines();
    const trino = await startHeldTrino(TRINO_URL);
    const { child, waitForOutput } = start({
      ...engines,
      REDIS_URL: `${REDIS_URL}/1`,
      TRINO_URL: trino.url,
      ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
      API_PORT: '0',
      API_DRAIN_SECONDS: '0',
      API_DEADLINE_SECONDS: '55', // a busy machine answers late
    });
    const [, port] = await waitForOutput(/"port":(\d+)/);
    trino.hold();
    // A new id, so the request needs a query to the lakehouse.
    const answer = fetch(`http://127.0.0.1:${port}/api/v1/kols/in-flight-${Date.now()}`);
    await until('the query runs', () => Promise.resolve(trino.held() > 0));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await until('it accepts no connection', () =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    trino.release();
    expect((await answer).status).toBe(404);
    const [code] = (await exited) as [number | null];
    expect(code).toBe(0);
    await trino.close();
  });

  test.each([
    ['127.0.0.1', /^127\.0\.0\.1$/],
    ['', /^(::|0\.0\.0\.0)$/],
  ])('listens with the API_HOST "%s" on %s', async (host, address) => {
    const { waitForOutput } = start({
      ...testEngines(),
      ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
      API_PORT: '0',
      API_HOST: host,
    });
    const [, listening] = await waitForOutput(/"address":"([^"]+)"/);
    expect(listening).toMatch(address);
  });

  test('names the missing settings and exits with 1', async () => {
    const { child, output } = start({ API_PORT: 'eighty' });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(output()).toContain('API_PORT is not valid');
    expect(output()).toContain('REDIS_URL is not set');
  });
});

// Concurrent, because both tests wait for processes that stop.
describe.concurrent('a process that stops', () => {
  test('lets a request in flight finish until its deadline, and ends even if Trino hangs', async () => {
    const trino = await startHeldTrino(testEngines().TRINO_URL);
    const { REDIS_URL, ...engines } = testEngines();
    const { child, waitForOutput } = start({
      ...engines,
      REDIS_URL: `${REDIS_URL}/1`,
      TRINO_URL: trino.url,
      ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
      API_PORT: '0',
      API_DRAIN_SECONDS: '0',
      API_DEADLINE_SECONDS: '27', // the load ends after 18 s
    });
    const [, port] = await waitForOutput(/"port":(\d+)/);
    trino.hold();
    const answer = fetch(`http://127.0.0.1:${port}/api/v1/kols/in-flight-${Date.now()}`);
    await until('the query runs', () => Promise.resolve(trino.held() > 0));
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await answer).status).toBe(503);
    // The poll of the query still hangs.
    const [code] = (await exited) as [number | null];
    expect(code).toBe(0);
    await trino.close();
  });

  test('fails no request under load, if a client stops using a process when its /readyz is 503, and two restart in turn', async () => {
    await writeEntries(redis, profileEntries(['known']));
    const ports = await someFreePorts(2);
    const { REDIS_URL, ...engines } = testEngines();
    const startAt = (port: number) =>
      start({
        ...engines,
        REDIS_URL: `${REDIS_URL}/1`,
        ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
        API_PORT: String(port),
        API_DRAIN_SECONDS: '2',
      });
    const processes = new Map(ports.map((port) => [port, startAt(port)]));
    const client = startBalancedClient(ports, '/api/v1/kols/known');
    try {
      await until('both are ready', () => Promise.resolve(client.ready().length === 2));
      for (const port of ports) {
        const { child } = processes.get(port) ?? startAt(port);
        child.kill('SIGTERM');
        await until('the client has left it', () => Promise.resolve(!client.ready().includes(port)));
        await once(child, 'exit');
        processes.set(port, startAt(port));
        await until('it is ready again', () => Promise.resolve(client.ready().includes(port)));
      }
    } finally {
      await client.stop();
    }
    expect(client.failures).toEqual([]);
    expect(client.answered()).toBeGreaterThan(100);
  });
});
