import { once } from 'node:events';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { UNREACHABLE_ADDRESS } from '../../support/api.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { endReceiver, isReceiverRunning, recordRequests, untilServed } from '../../support/etl-loads.ts';
import { withWorker } from '../../support/worker.ts';
import { testEngines } from '../../support/test-engines.ts';

const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = testEngines();
let dependencies: Awaited<ReturnType<typeof testDependencies>>;

beforeAll(async () => {
  dependencies = await testDependencies(testConfig(11));
});
afterAll(() => dependencies.close());
beforeEach(() => endReceiver(dependencies.temporal));
afterEach(() => endReceiver(dependencies.temporal));

/** The command needs no address but that of Temporal. */
const etl = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, ['--import', 'tsx', 'cli/etl.ts', ...args], {
    env: { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, ...env },
    reject: false,
    stdin: 'ignore',
  });

describe('npm run etl -- loaded', () => {
  test('reports a load and exits with 0', async () => {
    const { stdout, exitCode } = await etl([
      ...['loaded', '--tables', 'kol_content,kol_profiles', '--platforms', 'tiktok', '--pipeline', 'nightly'],
      ...['--run-id', '7', '--loaded-at', '2026-01-01T03:00:00Z'],
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(ETL_LOADS_ID);
    const { activities, requests } = recordRequests(dependencies);
    await withWorker(WARM_TASK_QUEUE, activities, () => untilServed(dependencies.temporal, 1));
    expect(requests.map(({ part }) => part)).toContain('trending');
    for (const { scope } of requests) expect(scope).toEqual({ platforms: ['tiktok'] });
  });

  test.each([
    [['--tables', 'kol_profiles', '--ids', '1,2'], 'it warms 2 ids of profiles'],
    [
      ['--tables', 'kol_content', '--platforms', 'tiktok'],
      'it warms rankings (tiktok), trending (tiktok), stats (tiktok)',
    ],
    [['--tables', 'kol_content'], 'it warms rankings, trending, stats'],
    [
      ['--tables', 'kol_trust_features', '--ids', '1'],
      'it starts no warm; cached scores expire within an hour',
    ],
  ])('of %j says what it warms', async (options, effect) => {
    const { stdout } = await etl(['loaded', ...options]);
    expect(stdout).toContain(`to workflow ${ETL_LOADS_ID}; ${effect}`);
  });

  test('exits with 2 on wrong usage and lists the accepted values', async () => {
    const [{ stderr, exitCode }, withoutTables] = await Promise.all([
      etl(['loaded', '--tables', 'kol_contents', '--ids', '1,,2', '--loaded-at', 'yesterday']),
      etl(['loaded']),
    ]);
    expect([exitCode, withoutTables.exitCode]).toEqual([2, 2]);
    expect(stderr).toMatch(/--tables = \["kol_contents"\].*kol_profiles, kol_content, kol_trust_features/);
    expect(stderr).toContain('--ids');
    expect(stderr).toContain('--loaded-at');
    expect(await isReceiverRunning(dependencies.temporal)).toBe(false);
  });
});

describe('npm run etl -- wait and status', { timeout: 120_000 }, () => {
  const report = () => etl(['loaded', '--tables', 'kol_profiles', '--ids', '1', '--run-id', 'run-1']);

  test('wait shows how the load becomes done, and exits with 0; status prints the same', async () => {
    await report();
    const { activities } = recordRequests(dependencies);
    const shown = new AbortController();
    const warmWhenShown = {
      ...activities,
      async signalPartWarmer(...args: Parameters<typeof activities.signalPartWarmer>) {
        if (!shown.signal.aborted) await once(shown.signal, 'abort');
        return activities.signalPartWarmer(...args);
      },
    };
    await withWorker(WARM_TASK_QUEUE, warmWhenShown, async () => {
      const waiting = etl(['wait', 'run-1']);
      waiting.stdout.once('data', () => shown.abort());
      const { stdout, exitCode } = await waiting;
      expect(stdout).toMatch(
        /^(?:taken|warming): .*$[^]*^done: kol_profiles \(taken .*, warm warm-cache-etl-loads-.*, ended /m,
      );
      expect(exitCode).toBe(0);

      const status = await etl(['status', 'run-1', '--json']);
      expect(JSON.parse(status.stdout)).toMatchObject({ runId: 'run-1', state: 'done' });
      expect(status.exitCode).toBe(0);

      const unknown = await etl(['status', 'run-1', '--pipeline', 'another']);
      expect(unknown).toMatchObject({ exitCode: 1, stderr: 'No load of the run "run-1" is known' });
    });
  });

  test('wait exits with 1 when the load failed, and prints the reason', async () => {
    await report();
    const { activities } = recordRequests(dependencies, ['profiles']);
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const { stdout, exitCode } = await etl(['wait', 'run-1']);
      expect(stdout).toMatch(/failed: kol_profiles .*no rows/);
      expect(exitCode).toBe(1);
    });
  });

  test('wait exits with 3 when the load is not finished in time', async () => {
    await report();
    const { activities } = recordRequests(dependencies);
    await withWorker(
      WARM_TASK_QUEUE,
      { ...activities, signalPartWarmer: () => Promise.resolve() },
      async () => {
        const { stdout, exitCode } = await etl(['wait', 'run-1', '--timeout', '1', '--json']);
        expect(JSON.parse(stdout)).toMatchObject({ runId: 'run-1', error: null });
        expect(exitCode).toBe(3);
      },
    );
  });

  // Together, because both wait for a deadline.
  test('exits with 1 when no worker answers, or Temporal does not', async () => {
    await report();
    const [noWorker, noTemporal] = await Promise.all([
      etl(['wait', 'run-1']),
      etl(['loaded', '--tables', 'kol_content'], { TEMPORAL_ADDRESS: UNREACHABLE_ADDRESS }),
    ]);
    expect(noWorker).toMatchObject({
      exitCode: 1,
      stderr: 'The workflow etl-loads does not answer; a worker must run',
    });
    expect(noTemporal.exitCode).toBe(1);
    expect(noTemporal.stderr).toContain('TEMPORAL_ADDRESS');
  });

  test('exits with 2 on wrong usage', async () => {
    const wrong = [
      ['wait'],
      ['wait', ''],
      ['wait', 'run-1', '--timeout', 'soon'],
      ['status', 'run-1', '--pipeline', ''],
    ];
    const runs = await Promise.all(wrong.map((args) => etl(args)));
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2]);
  });
});
