import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import { UNREACHABLE_ADDRESS, useRedis } from '../../support/api.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { startBalancedClient } from '../../support/balanced-client.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { startHeldTrino } from '../../support/held-trino.ts';
import { mostBatches } from '../../support/most-batches.ts';
import { startRelay } from '../../support/relay.ts';
import { testEngines } from '../../support/test-engines.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const redis = await useRedis();
const started: ApiProcess[] = [];
afterAll(() => started.forEach(({ child }) => child.kill('SIGKILL')));

function start(environment: Readonly<Record<string, string>>): ApiProcess {
  const server = startApiProcess(environment);
  started.push(server);
  return server;
}

/** What each process needs. */
const environment = (): Record<string, string> => {
  const { REDIS_URL, ...engines } = testEngines();
  return {
    ...engines,
    REDIS_URL: `${REDIS_URL}/1`,
    ML_API_URL: `http://${UNREACHABLE_ADDRESS}`,
    API_PORT: '0',
  };
};

describe('the server process', () => {
  test('finishes the requests in flight on SIGTERM', async () => {
    const trino = await startHeldTrino(testEngines().TRINO_URL);
    const { child, waitForOutput } = start({
      ...environment(),
      TRINO_URL: trino.url,
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

  test('logs why it cannot listen, and exits with 1', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const { child, output } = start({ ...environment(), API_HOST: '127.0.0.1', API_PORT: String(port) });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(JSON.parse(output())).toMatchObject({ level: 'fatal', error: { code: 'EADDRINUSE' } });
    other.close();
  });

  test('uses IPv6 addresses: its own, and those of Redis and Trino', async () => {
    const { REDIS_URL, TRINO_URL } = testEngines();
    const relays = await Promise.all(
      [REDIS_URL, TRINO_URL].map((url) => startRelay(new URL(url).host, 0, '::1')),
    );
    const [redisPort, trinoPort] = relays.map(({ port }) => port);
    const { waitForOutput } = start({
      ...environment(),
      API_HOST: '::1',
      REDIS_URL: `redis://[::1]:${redisPort}/1`,
      TRINO_URL: `http://[::1]:${trinoPort}`,
    });
    const [, address, port] = await waitForOutput(/"address":"([^"]+)","port":(\d+)/);
    expect(address).toBe('::1');
    const url = `http://[::1]:${port}/api/v1/stats`;
    for (const source of ['kol-redis; fwd=uri-miss; stored', /^kol-(redis|l1); hit/]) {
      const { status, headers } = await fetch(url);
      expect([status, headers.get('cache-status')]).toEqual([200, expect.stringMatching(source)]);
    }
    await Promise.all(relays.map((relay) => relay.close()));
  });

  test('listens on all addresses by default, and answers 500 distinct uncached ids as its first requests, within its default deadline, with few queries', async () => {
    const user = `first-requests-${process.pid}`;
    const column = (sql: string) => queryColumn(testEngines().TRINO_URL, sql);
    const ids = await column('SELECT kol_id FROM iceberg.kol_silver.kol_profiles LIMIT 500');
    const { waitForOutput } = start({ ...environment(), API_HOST: '', TRINO_USER: user });
    const [, address, port] = await waitForOutput(/"address":"([^"]+)","port":(\d+)/);
    expect(address).toMatch(/^(::|0\.0\.0\.0)$/);
    const since = new Date();
    const answers = await Promise.all(
      ids.map((id) => fetch(`http://127.0.0.1:${port}/api/v1/kols/${encodeURIComponent(id)}`)),
    );
    const most = mostBatches(since);
    const profiles = (await Promise.all(answers.map((answer) => answer.json()))) as { kol_id?: string }[];
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    expect(profiles.map(({ kol_id }) => kol_id)).toEqual(ids);
    const queries = await column(`SELECT query FROM system.runtime.queries WHERE "user" = '${user}'`);
    // with those that check the columns, the ids and the versions of the tables
    expect(queries.length).toBeLessThanOrEqual(most + 3);
  });

  test('names the missing settings and exits with 1', async () => {
    const { child, output } = start({ API_PORT: 'eighty' });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(1);
    expect(output()).toContain('API_PORT is not valid');
    expect(output()).toContain('REDIS_URL is not set');
  });
});

// Concurrent, because the tests wait for processes that stop.
describe.concurrent('a process', () => {
  test('that stops lets a request in flight finish until its deadline, and ends even if Trino hangs', async () => {
    const trino = await startHeldTrino(testEngines().TRINO_URL);
    const { child, waitForOutput } = start({
      ...environment(),
      TRINO_URL: trino.url,
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

  test('with wrong passwords logs what fails, and no password', async () => {
    const password = 'trino-s3cret';
    const header = Buffer.from(`kol-cache:${password}`).toString('base64');
    const refusing = createServer(({ headers }, response) => {
      response.writeHead(401).end(`Wrong credentials: ${headers.authorization}`);
    });
    await once(refusing.listen(0, '127.0.0.1'), 'listening');
    const { REDIS_URL } = environment();
    const { waitForOutput, output } = start({
      ...environment(),
      REDIS_URL: REDIS_URL?.replace('//', '//us3r:redis-s3cret@') ?? '',
      TRINO_URL: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
      TRINO_PASSWORD: password,
      LOG_LEVEL: 'trace',
    });
    const [, port] = await waitForOutput(/"port":(\d+)/);
    for (const path of ['api/v1/kols/zoe', 'api/v1/search?q=zoe', 'readyz'])
      expect((await fetch(`http://127.0.0.1:${port}/${path}`)).status).toBe(503);
    await waitForOutput(/WRONGPASS/);
    await waitForOutput(/did not answer: HTTP 401/);
    await waitForOutput(/"url":"\/readyz"/); // the last line
    expect(output()).not.toContain('s3cret');
    expect(output()).not.toContain(header);
    refusing.close();
  });

  test('that stops does not wait for a client that does not read its answers', async () => {
    const { child, waitForOutput } = start({
      ...environment(),
      API_DRAIN_SECONDS: '0',
      API_DEADLINE_SECONDS: '1',
    });
    const [, port] = await waitForOutput(/"port":(\d+)/);
    const client = connect(Number(port), '127.0.0.1');
    client.on('error', () => {}); // the process ends the connection
    // Together the answers are larger than the buffers of the system.
    client.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: api\r\n\r\n'.repeat(20));
    await once(client, 'readable'); // the first bytes have arrived, and nothing reads them
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    expect(code).toBe(0);
    client.destroy();
  });

  test('that stops fails no request under load, if a client stops using a process when its /readyz is 503, and two restart in turn', async () => {
    await writeEntries(redis, profileEntries(['known']));
    const ports = await someFreePorts(2);
    const startAt = (port: number) =>
      start({ ...environment(), API_PORT: String(port), API_DRAIN_SECONDS: '2' });
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
