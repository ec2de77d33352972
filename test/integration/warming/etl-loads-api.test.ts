import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readEtlLoads } from '../../../clients/temporal/signal-etl-load.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { startApi } from '../../support/api.ts';
import {
  isReceiverRunning,
  LOADS,
  recordRequests,
  sendRequest,
  TOKEN,
  untilServed,
  WARMS,
} from '../../support/etl-loads.ts';
import { useEtlLoadsApi } from '../../support/etl-loads-api.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';
import { testEngines } from '../../support/test-engines.ts';

const engines = testEngines();
const { dependencies, send } = useEtlLoadsApi();

describe('POST /api/v1/etl/loads', () => {
  test('warms the parts that the load made stale; without a worker the load waits in Temporal', async () => {
    const answer = await send('POST', LOADS, {
      tables: ['kol_profiles'],
      ids: ['1', '2'],
      pipeline: 'nightly',
      run_id: '1',
    });
    expect(answer).toMatchObject({ status: 202, json: { workflow_id: ETL_LOADS_ID } });
    expect(answer.headers.get('location')).toBe(`${LOADS}/1?pipeline=nightly`);

    const { activities, requests } = recordRequests(dependencies());
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      await untilServed(dependencies().temporal, 1);
      const state = await send('GET', LOADS);
      expect(state).toMatchObject({
        status: 200,
        json: {
          taken: 1,
          repeats: 0,
          last_warm: { requested_by: 'nightly', parts: ['profiles'], error: null },
        },
      });
      const { last_warm } = state.json as { last_warm: { workflow_id: string } };
      expect(await send('GET', `${WARMS}/${last_warm.workflow_id}`)).toMatchObject({
        status: 200,
        json: { state: 'done', trigger: 'etl', requested_by: 'nightly', report: { keys: 1 } },
      });
      expect(
        (
          await send('POST', LOADS, {
            tables: ['kol_profiles'],
            ids: ['2', '1'],
            pipeline: 'nightly',
            runId: '1',
          })
        ).status,
      ).toBe(202);
      await until(
        'the repeat is recognised',
        async () => (await readEtlLoads(dependencies().temporal))?.repeats === 1,
      );
    });
    expect(requests).toMatchObject([{ part: 'profiles', scope: { ids: ['1', '2'] } }]);
  });

  test('accepts the largest load of the contract, as a program sends it that escapes each character', async () => {
    const text = (length: number, index: number) => String(index).padStart(length, '\u4e00');
    const list = <T>(length: number, item: (index: number) => T) =>
      Array.from({ length }, (_, index) => item(index));
    const load = {
      tables: list(1000, () => 'kol_trust_features'),
      ids: list(1000, (index) => text(256, index)),
      platforms: list(100, (index) => String(index).padStart(32, 'x')),
      pipeline: text(256, 0),
      run_id: text(256, 0),
      loaded_at: '2026-01-01T03:00:00.123456789+00:00',
    };
    const body = JSON.stringify(load).replaceAll('\u4e00', '\\u4e00');
    expect(body.length).toBeGreaterThan(1_500_000);
    expect(await send('POST', LOADS, body)).toMatchObject({ status: 202 });
  });

  test('refuses a load that is nested deeply, and shows the beginning of it', async () => {
    const answer = await send('POST', LOADS, `{"tables":${'['.repeat(10_000) + ']'.repeat(10_000)}}`);
    expect(answer).toMatchObject({
      status: 400,
      json: { invalid: [{ parameter: 'tables', given: [[['…']]] }] },
    });
  });

  test('refuses an invalid load and names each field', async () => {
    const answer = await send('POST', LOADS, { tables: ['kol_contents'], ids: [1], when: 'now' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.json).toMatchObject({
      type: 'urn:kol-cache:problem:invalid-parameter',
      invalid: [
        {
          parameter: 'tables',
          given: ['kol_contents'],
          accepted: expect.stringContaining('kol_trust_features') as string,
        },
        { parameter: 'ids', given: [1] },
        { parameter: 'when', given: 'now' },
      ],
    });
    expect(await isReceiverRunning(dependencies().temporal)).toBe(false);
  });

  test.each([
    ['invalid JSON', '{"tables": [', {}, 400, 'malformed-request'],
    ['JSON, but not an object', '[]', {}, 400, 'invalid-parameter'],
    ['empty', undefined, {}, 400, 'invalid-parameter'],
    [
      'of another content type',
      'tables=kol_content',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['of an unknown encoding', '{}', { 'content-encoding': 'x-own' }, 415, 'unsupported-media-type'],
    [
      'too large',
      JSON.stringify({ tables: ['kol_content'], pipeline: 'x'.repeat(2 * 1024 * 1024) }),
      {},
      413,
      'body-too-large',
    ],
  ])('refuses a body that is %s', async (_what, body, headers, status, problem) => {
    const answer = await send('POST', LOADS, body, headers);
    expect(answer).toMatchObject({ status, json: { status, type: `urn:kol-cache:problem:${problem}` } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('needs a worker to read the state: GET answers 503 without one', async () => {
    await send('POST', LOADS, { tables: ['kol_trust_features'] });
    expect(await send('GET', LOADS)).toMatchObject({
      status: 503,
      json: { type: 'urn:kol-cache:problem:temporal-unavailable' },
    });
  });
});

describe('the token', () => {
  test.each([
    ['POST', LOADS],
    ['GET', LOADS],
    ['GET', `${LOADS}/run-1`],
    ['POST', WARMS],
    ['GET', `${WARMS}/warm-cache-startup`],
  ])('is required for %s %s; without a configured token the route is off', async (method, path) => {
    const missing = await send(method, path, undefined, { authorization: '' });
    expect(missing).toMatchObject({ status: 401, json: { type: 'urn:kol-cache:problem:unauthorized' } });
    expect(missing.headers.get('www-authenticate')).toBe('Bearer realm="kol-cache"');
    for (const wrong of [
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
      TOKEN,
      'Bearer',
    ]) {
      const answer = await send(method, path, undefined, { authorization: wrong });
      expect(answer.status, wrong).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
    const off = await startApi();
    try {
      expect(await sendRequest(off.url, method, path)).toMatchObject({
        status: 403,
        json: {
          type: 'urn:kol-cache:problem:triggers-off',
          detail: expect.stringContaining('API_TOKEN') as string,
        },
      });
    } finally {
      await off.close();
    }
  });
});

describe('without Temporal', () => {
  test('the API serves reads, answers triggers with 503, and connects once Temporal is available', async () => {
    // A free port: nothing listens on it yet.
    const reserved = createServer().listen(0, '127.0.0.1');
    await once(reserved, 'listening');
    const { port } = reserved.address() as AddressInfo;
    await new Promise((resolve) => reserved.close(resolve));

    const alone = await startApi({ API_TOKEN: TOKEN, TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
    const sockets = new Set<Socket>();
    const [host = '', enginePort = ''] = engines.TEMPORAL_ADDRESS.split(':');
    const forwarder = createServer((from) => {
      const to = connect(Number(enginePort), host);
      for (const socket of [from, to]) sockets.add(socket.on('error', () => {}));
      from.pipe(to).pipe(from);
    });
    try {
      const top = await alone.get('/api/v1/kols/top?limit=1');
      const [first] = top.json['items'] as [{ kol_id: string }];
      const one = await alone.get(`/api/v1/kols/${encodeURIComponent(first.kol_id)}`);
      expect([top.status, one.status, one.json['kol_id']]).toEqual([200, 200, first.kol_id]);
      const answer = await sendRequest(alone.url, 'POST', LOADS, { tables: ['kol_content'] });
      expect(answer).toMatchObject({
        status: 503,
        json: { type: 'urn:kol-cache:problem:temporal-unavailable' },
      });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);

      forwarder.listen(port, '127.0.0.1');
      await until(
        'the API has connected to Temporal',
        async () => (await sendRequest(alone.url, 'POST', LOADS, { tables: ['kol_content'] })).status === 202,
      );
    } finally {
      await alone.close();
      for (const socket of sockets) socket.destroy();
      forwarder.close();
    }
  });

  test('a call that gets no answer ends with 503', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const alone = await startApi({ API_TOKEN: TOKEN, TEMPORAL_ADDRESS: address });
    try {
      expect((await sendRequest(alone.url, 'POST', WARMS, {})).status).toBe(503);
    } finally {
      await alone.close();
      silent.close();
    }
  });
});
