import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { SignalPartWarmerArgs } from '../../../activities/warming/signal-part-warmer.ts';
import type { WarmActivities } from '../../../activities/index.ts';
import type { WarmPart, WarmScope } from '../../../domain/warming/warm-parts.ts';
import { readEtlLoads, signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import { ETL_LOADS_ID, WARM_TASK_QUEUE } from '../../../contract/workflow-ids.ts';
import { partWarmedSignal, tablesLoadedSignal } from '../../../contract/messages.ts';
import { NOBODY, startApi, type Answer, type RunningApi } from '../../support/api.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { reportOf } from '../../support/part-report.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

const TOKEN = 'a-token-of-these-tests';
const engines = inject('engines');
let dependencies: Awaited<ReturnType<typeof testDependencies>>;
let api: RunningApi;

beforeAll(async () => {
  dependencies = await testDependencies(testConfig(11));
  api = await startApi({ API_TOKEN: TOKEN });
});
afterAll(async () => {
  await api.close();
  await dependencies.close();
});
/** The receiver stays for a day: each test has its own. */
const endReceiver = () =>
  dependencies.temporal.workflow
    .getHandle(ETL_LOADS_ID)
    .terminate('the test is over')
    .catch(() => {});
const receiverRuns = async (): Promise<boolean> => {
  const found = await dependencies.temporal.workflow
    .getHandle(ETL_LOADS_ID)
    .describe()
    .catch(() => null);
  return found?.status.name === 'RUNNING';
};
beforeEach(endReceiver);
afterEach(endReceiver);

/** Sends a request as a pipeline does. */
async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
  url = api.url,
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (text === '' ? {} : JSON.parse(text)) as Answer['json'],
  };
}
const LOADS = '/api/v1/etl/loads';
const WARMS = '/api/v1/warms';

/** Part warmers that answer at once, in the place of the real ones; notes what they were asked for. */
function noted(failing: readonly WarmPart[] = []) {
  const asked: { part: WarmPart; scope: WarmScope | undefined; requestedBy: string }[] = [];
  const activities: Partial<WarmActivities> = {
    ...dependencies.warmActivities,
    signalPartWarmer: async ({ part, request: { replyTo, runId, scope } }: SignalPartWarmerArgs) => {
      asked.push({ part, scope, requestedBy: replyTo });
      const outcome = {
        part,
        runId,
        ...(failing.includes(part) ? { error: 'no rows' } : { report: reportOf(part) }),
      };
      await dependencies.temporal.workflow.getHandle(replyTo, runId).signal(partWarmedSignal, outcome);
    },
  };
  return { activities, asked };
}

const served = (loads: number) =>
  until('the loads are served', async () => {
    const state = await readEtlLoads(dependencies.temporal);
    return state?.taken === loads && state.waiting.loads === 0 && state.lastWarm?.endedAt != null;
  });

describe('POST /api/v1/etl/loads', () => {
  test('warms what the load made stale; without a worker the load waits for one', async () => {
    const answer = await send('POST', LOADS, {
      tables: ['kol_profiles'],
      ids: ['1', '2'],
      pipeline: 'nightly',
      run_id: '1',
    });
    expect(answer).toMatchObject({ status: 202, json: { workflow_id: ETL_LOADS_ID } });
    expect(answer.headers.get('location')).toBe(LOADS);

    const { activities, asked } = noted();
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      await served(1);
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
        'the repeat is known as one',
        async () => (await readEtlLoads(dependencies.temporal))?.repeats === 1,
      );
    });
    expect(asked).toMatchObject([{ part: 'profiles', scope: { ids: ['1', '2'] } }]);
  });

  test('refuses what is not valid, and names each field', async () => {
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
    expect(await receiverRuns()).toBe(false);
  });

  test.each([
    ['no JSON', '{"tables": [', {}, 400, 'malformed-request'],
    ['JSON that is no object', '[]', {}, 400, 'invalid-parameter'],
    ['nothing', undefined, {}, 400, 'invalid-parameter'],
    [
      'another type',
      'tables=kol_content',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported-media-type',
    ],
    ['an unknown encoding', '{}', { 'content-encoding': 'x-own' }, 415, 'unsupported-media-type'],
    [
      'too much',
      JSON.stringify({ tables: ['kol_content'], pipeline: 'x'.repeat(300_000) }),
      {},
      413,
      'body-too-large',
    ],
  ])('refuses a body that is %s', async (_what, body, headers, status, problem) => {
    const answer = await send('POST', LOADS, body, headers);
    expect(answer).toMatchObject({ status, json: { status, type: `urn:kol-cache:problem:${problem}` } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });

  test('has its state told by a worker: without one it is 503', async () => {
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
    ['POST', WARMS],
    ['GET', `${WARMS}/warm-cache-startup`],
  ])('is needed for %s %s, and without one configured it is off', async (method, path) => {
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
      expect(await send(method, path, undefined, {}, off.url)).toMatchObject({
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

describe('POST /api/v1/warms', () => {
  test('starts a warm by hand, whose state it names the place of', async () => {
    const started = await send(
      'POST',
      WARMS,
      {
        parts: ['profiles', 'stats'],
        scopes: { profiles: { ids: ['1'] } },
        force: true,
      },
      { 'x-request-id': 'request-7' },
    );
    expect(started.status).toBe(202);
    const location = started.headers.get('location') ?? '';
    expect(location).toBe(`${WARMS}/${String(started.json['workflow_id'])}`);
    expect(await send('GET', location)).toMatchObject({
      status: 200,
      json: { state: 'running', report: null },
    });

    const { activities, asked } = noted(['stats']);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      await until('the warm ended', async () => (await send('GET', location)).json['state'] !== 'running');
    });
    expect((await send('GET', location)).json).toMatchObject({
      state: 'failed',
      trigger: 'manual',
      requested_by: 'api:request-7',
      parts: ['profiles', 'stats'],
      error: expect.stringContaining('stats: no rows') as string,
      report: { dry_run: false, parts: [{ part: 'profiles', rows_read: 1 }] },
    });
    expect(asked).toMatchObject([{ part: 'profiles', scope: { ids: ['1'] } }, { part: 'stats' }]);
  });

  test('without a body warms everything', async () => {
    const started = await send('POST', WARMS);
    expect(started.status).toBe(202);
    const { activities, asked } = noted();
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const location = started.headers.get('location') ?? '';
      await until('the warm ended', async () => (await send('GET', location)).json['state'] === 'done');
    });
    expect(asked).toHaveLength(6);
  });

  test.each([
    [{ parts: ['profile'] }, 'parts'],
    [{ parts: [] }, 'parts'],
    [{ dry_run: 'yes' }, 'dry_run'],
    [{ dryRun: true }, 'dryRun'],
    [{ scopes: { stats: { ids: ['1'] } } }, 'scopes'],
    [{ scopes: { rankings: { platforms: ['TikTok'] } } }, 'scopes'],
    [{ scopes: { tiktok: {} } }, 'scopes'],
    [{ parts: ['stats'], scopes: { profiles: { ids: ['1'] } } }, 'scopes'],
  ])('refuses %j and names %s', async (body, parameter) => {
    expect(await send('POST', WARMS, body)).toMatchObject({
      status: 400,
      json: { type: 'urn:kol-cache:problem:invalid-parameter', invalid: [{ parameter }] },
    });
  });

  test('shows warms only', async () => {
    await signalEtlLoad(dependencies.temporal, { tables: ['kol_trust_features'] });
    for (const id of [ETL_LOADS_ID, 'warm-cache-nobody-knows', 'part-warmer%2Fstats'])
      expect((await send('GET', `${WARMS}/${id}`)).status).toBe(404);
  });
});

describe('without Temporal', () => {
  test('reads are served, triggers are 503, and a Temporal that comes later is found', async () => {
    // A port that nobody listens on yet.
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
      expect((await alone.get('/healthz')).status).toBe(200);
      const answer = await send('POST', LOADS, { tables: ['kol_content'] }, {}, alone.url);
      expect(answer).toMatchObject({
        status: 503,
        json: { type: 'urn:kol-cache:problem:temporal-unavailable' },
      });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);

      forwarder.listen(port, '127.0.0.1');
      await until(
        'Temporal is found',
        async () => (await send('POST', LOADS, { tables: ['kol_content'] }, {}, alone.url)).status === 202,
      );
    } finally {
      await alone.close();
      for (const socket of sockets) socket.destroy();
      forwarder.close();
    }
  });

  test('a call without an answer ends as 503', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const alone = await startApi({ API_TOKEN: TOKEN, TEMPORAL_ADDRESS: address });
    try {
      expect((await send('POST', WARMS, {}, {}, alone.url)).status).toBe(503);
    } finally {
      await alone.close();
      silent.close();
    }
  });
});

describe('npm run etl -- loaded', () => {
  const etl = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    execa(process.execPath, ['--import', 'tsx', 'cli/etl.ts', ...args], {
      env: { ...engines, ML_API_URL: `http://${NOBODY}`, ...env },
      reject: false,
      stdin: 'ignore',
    });

  test('tells of a load, and exits with 0', async () => {
    const { stdout, exitCode } = await etl([
      ...['loaded', '--tables', 'kol_content,kol_profiles', '--platforms', 'tiktok', '--pipeline', 'nightly'],
      ...['--run-id', '7', '--loaded-at', '2026-01-01T03:00:00Z'],
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(ETL_LOADS_ID);
    const { activities, asked } = noted();
    await withWorker(WARM_TASK_QUEUE, activities, () => served(1));
    expect(asked.map(({ part }) => part)).toContain('trending');
    for (const { scope } of asked) expect(scope).toEqual({ platforms: ['tiktok'] });
  });

  test('refuses wrong usage with 2, and says what is accepted', async () => {
    const { stderr, exitCode } = await etl([
      ...['loaded', '--tables', 'kol_contents', '--ids', '1,,2', '--loaded-at', 'yesterday'],
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--tables = \["kol_contents"\].*kol_profiles, kol_content, kol_trust_features/);
    expect(stderr).toContain('--ids');
    expect(stderr).toContain('--loaded-at');
    expect((await etl(['loaded'])).exitCode).toBe(2);
    expect(await receiverRuns()).toBe(false);
  });

  test('exits with 1 where Temporal does not answer', { timeout: 30_000 }, async () => {
    const { stderr, exitCode } = await etl(['loaded', '--tables', 'kol_content'], {
      TEMPORAL_ADDRESS: NOBODY,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('TEMPORAL_ADDRESS');
  });
});

describe('a signal that cannot be decoded', () => {
  test.each(['json/plain', 'json/protobuf', 'binary/protobuf'])(
    'of encoding %s is ignored, and stops no other',
    async (encoding) => {
      const { temporal } = dependencies;
      const bytes = (text: string) => new TextEncoder().encode(text);
      await signalEtlLoad(temporal, { tables: ['kol_trust_features'] });
      await temporal.workflowService.signalWorkflowExecution({
        namespace: engines.TEMPORAL_NAMESPACE,
        workflowExecution: { workflowId: ETL_LOADS_ID },
        signalName: tablesLoadedSignal.name,
        input: { payloads: [{ metadata: { encoding: bytes(encoding) }, data: bytes('{no json') }] },
      });
      await signalEtlLoad(temporal, { tables: ['kol_profiles'], ids: ['1'] });
      const { activities, asked } = noted();
      await withWorker(WARM_TASK_QUEUE, activities, () => served(2));
      expect(asked).toMatchObject([{ part: 'profiles', scope: { ids: ['1'] } }]);
    },
  );
});

describe('a receiver whose history grows long', () => {
  test('goes on in a new run, and loses neither loads nor what it remembers', async () => {
    const { temporal } = dependencies;
    const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
    const { activities, asked } = noted();
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const { runId } = await signalEtlLoad(temporal, load);
      await served(1);
      const receiver = temporal.workflow.getHandle(ETL_LOADS_ID);
      const current = async () => (await receiver.describe()).runId;
      // Temporal suggests it when a history has 4 MB.
      let sent = 0;
      for (; (await current()) === runId && sent < 8; sent += 1) {
        await receiver.signal(tablesLoadedSignal, { tables: [], pipeline: 'x'.repeat(1_000_000) });
        await until('it is counted', async () => (await readEtlLoads(temporal))?.ignored === sent + 1);
      }
      expect(await current()).not.toBe(runId);
      await receiver.signal(tablesLoadedSignal, load);
      await receiver.signal(tablesLoadedSignal, { tables: ['kol_profiles'], ids: ['2'] });
      await served(2);
      expect(await readEtlLoads(temporal)).toMatchObject({ repeats: 1, ignored: sent });
    });
    expect(asked.map(({ scope }) => scope?.ids)).toEqual([['1'], ['2']]);
  });
});
