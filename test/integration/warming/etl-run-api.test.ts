import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { projectFolder } from '../../../engines/paths.ts';
import { apiEnvironment } from '../../support/api.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { LOADS, recordRequests, sendRequest, TOKEN, WARMS } from '../../support/etl-loads.ts';
import { useEtlLoadsApi } from '../../support/etl-loads-api.ts';
import { writePythonPrograms } from '../../support/python-programs.ts';
import { startRelay } from '../../support/relay.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

const { dependencies, send, url } = useEtlLoadsApi();

describe('GET /api/v1/etl/loads/:id', () => {
  const RUN = 'scheduled__2026-01-01T03:00:00+00:00';
  const path = `${LOADS}/${encodeURIComponent(RUN)}`;
  const load = { tables: ['kol_profiles'], ids: ['1'], run_id: RUN, pipeline: 'nightly content' };

  test('answers 202 until the load is done, then 200; a wait ends when it is done', async () => {
    const { headers } = await send('POST', LOADS, load);
    const location = `${path}?pipeline=nightly%20content`;
    expect(headers.get('location')).toBe(location);
    const { activities } = recordRequests(dependencies());
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const taken = await send('GET', location);
      expect(taken).toMatchObject({ status: 202, json: { state: 'taken', loads: [{ warm: null }] } });
      expect(Number(taken.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(taken.headers.get('cache-control')).toBe('no-store');

      const startedMs = performance.now();
      expect(await send('GET', `${path}?wait=1`)).toMatchObject({ status: 202 });
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1000);

      const done = await send('GET', `${location}&wait=30`);
      expect(done).toMatchObject({
        status: 200,
        json: {
          run_id: RUN,
          state: 'done',
          error: null,
          loads: [{ tables: ['kol_profiles'], state: 'done', error: null }],
        },
      });
      expect(performance.now() - startedMs).toBeLessThan(30_000);
      const { loads } = done.json as { loads: [{ warm: string }] };
      expect(await send('GET', `${WARMS}/${loads[0].warm}`)).toMatchObject({ json: { state: 'done' } });
    });
  });

  test('ends the wait with 202 when the process stops', async () => {
    const { child, waitForOutput } = startApiProcess({
      ...apiEnvironment({ API_TOKEN: TOKEN, API_DEADLINE_SECONDS: '5' }),
      ...{ API_PORT: '0', LOG_LEVEL: 'info', API_DRAIN_SECONDS: '1' },
    });
    const { activities } = recordRequests(dependencies());
    // This warm does not end.
    const endless = { ...activities, signalPartWarmer: () => Promise.resolve() };
    try {
      const [, port] = await waitForOutput(/"port":(\d+)/);
      const other = `http://127.0.0.1:${port}`;
      await withWorker(WARM_TASK_QUEUE, endless, async () => {
        await send('POST', LOADS, load);
        const waited = sendRequest(other, 'GET', `${path}?wait=30`);
        await fetch(`${other}/healthz`);
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        const { status, headers } = await waited;
        expect([status, headers.get('connection')]).toEqual([202, 'close']);
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
        expect(await exited).toEqual([0, null]);
      });
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('reports a failed load with the reason', async () => {
    await send('POST', LOADS, load);
    const { activities } = recordRequests(dependencies(), ['profiles']);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const error = expect.stringContaining('no rows') as string;
      expect(await send('GET', `${path}?wait=30`)).toMatchObject({
        status: 200,
        json: { state: 'failed', error, loads: [{ state: 'failed', error }] },
      });
    });
  });

  /** Runs the commands in docs/etl.md that wait for the load of run 42. */
  async function runCommands() {
    const docs = await readFile(join(projectFolder, 'docs', 'etl.md'), 'utf8');
    const [, script = ''] = /```sh\n(url=[^]*?)```/.exec(docs) ?? [];
    const folder = await mkdtemp(join(tmpdir(), 'kol-cache-'));
    const ended = await execa('sh', ['-c', script.replace('https://kol-cache.example.com', url())], {
      cwd: folder,
      env: { API_TOKEN: TOKEN },
      reject: false,
    });
    await rm(folder, { recursive: true });
    return ended;
  }

  /** Runs the Python function in docs/etl.md, which reports a load and waits for it. */
  async function runPython() {
    const call =
      "report_load(['kol_profiles'], pipeline='nightly content', run_id='scheduled__2026-01-01T03:00:00+00:00')";
    const folder = await writePythonPrograms();
    const ended = await execa('python3', ['-c', `from kol_cache import report_load; ${call}`], {
      cwd: folder,
      env: { KOL_CACHE_URL: url(), API_TOKEN: TOKEN },
      reject: false,
    });
    await rm(folder, { recursive: true });
    return ended;
  }

  // Together, because both wait for a warm.
  test.each([
    ['done', [], 0, /^$/],
    ['failed', ['profiles'] as const, 1, /RuntimeError: .*no rows/],
  ])(
    'the commands and the Python function in docs/etl.md end when the load is %s, and fail if it is not done',
    async (_state, failingParts, exitCode, errors) => {
      await send('POST', LOADS, { ...load, run_id: '42', pipeline: 'nightly-content' });
      const { activities } = recordRequests(dependencies(), failingParts);
      await withWorker(WARM_TASK_QUEUE, activities, async () => {
        const [commands, python] = await Promise.all([runCommands(), runPython()]);
        expect(commands.exitCode, commands.stderr).toBe(exitCode);
        expect(python.stderr).toMatch(errors);
      });
    },
  );

  test('the Python function in docs/etl.md waits on while the API and the workers restart', async () => {
    const { activities } = recordRequests(dependencies());
    const { host } = new URL(url());
    const folder = await writePythonPrograms();
    const before = await startRelay(host);
    const ended = reportInPython(folder, `http://127.0.0.1:${before.port}`);
    // Without a worker there is no answer. The report is the first request, the wait the second.
    await Promise.race([
      ended,
      until('the wait is sent again', () => Promise.resolve(before.connections() > 2)),
    ]);
    await before.close();
    const after = await startRelay(host, before.port);
    await Promise.race([
      ended,
      until('it is sent to the new API', () => Promise.resolve(after.connections() > 0)),
    ]);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      expect((await ended).stderr).toBe('');
    });
    await after.close();
    await rm(folder, { recursive: true });
  });

  const reportInPython = (folder: string, apiUrl: string) => {
    const call = `report_load(['kol_profiles'], pipeline='nightly content', run_id='${RUN}')`;
    return execa('python3', ['-c', `from kol_cache import report_load; ${call}`], {
      cwd: folder,
      env: { KOL_CACHE_URL: apiUrl, API_TOKEN: TOKEN },
      reject: false,
    });
  };

  test('the programs for schedulers in docs/etl.md are valid Python', async () => {
    const folder = await writePythonPrograms();
    const programs = await readdir(folder);
    expect(programs).toHaveLength(6);
    await execa('python3', ['-m', 'py_compile', ...programs], { cwd: folder });
    await rm(folder, { recursive: true });
  });

  test('answers 404 for an unknown run without waiting', async () => {
    await send('POST', LOADS, load);
    const { activities } = recordRequests(dependencies());
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      expect((await send('GET', `${LOADS}/another?wait=30`)).status).toBe(404);
      expect((await send('GET', `${path}?pipeline=another&wait=30`)).status).toBe(404);
    });
  });

  test.each(['?wait=31', '?wait=-1', '?wait=1.5', '?wait=', '?wait=1&wait=2', '?pipeline=', '?other=1'])(
    'refuses %s',
    async (query) => {
      expect(await send('GET', path + query)).toMatchObject({
        status: 400,
        json: { type: 'urn:kol-cache:problem:invalid-parameter' },
      });
    },
  );

  test('refuses an invalid run id', async () => {
    expect((await send('GET', `${LOADS}/${'x'.repeat(257)}`)).status).toBe(400);
    expect((await send('GET', `${LOADS}/a%00b`)).status).toBe(400);
  });
});
