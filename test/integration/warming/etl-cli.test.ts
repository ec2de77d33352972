import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { UNREACHABLE_ADDRESS } from '../../support/api.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { endReceiver, isReceiverRunning, recordRequests, untilServed } from '../../support/etl-loads.ts';
import { withWorker } from '../../support/worker.ts';

const engines = inject('engines');
let dependencies: Awaited<ReturnType<typeof testDependencies>>;

beforeAll(async () => {
  dependencies = await testDependencies(testConfig(11));
});
afterAll(() => dependencies.close());
beforeEach(() => endReceiver(dependencies.temporal));
afterEach(() => endReceiver(dependencies.temporal));

describe('npm run etl -- loaded', () => {
  const etl = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    execa(process.execPath, ['--import', 'tsx', 'cli/etl.ts', ...args], {
      env: { ...engines, ML_API_URL: `http://${UNREACHABLE_ADDRESS}`, ...env },
      reject: false,
      stdin: 'ignore',
    });

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

  test('exits with 2 on wrong usage and says what is accepted', async () => {
    const { stderr, exitCode } = await etl([
      ...['loaded', '--tables', 'kol_contents', '--ids', '1,,2', '--loaded-at', 'yesterday'],
    ]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--tables = \["kol_contents"\].*kol_profiles, kol_content, kol_trust_features/);
    expect(stderr).toContain('--ids');
    expect(stderr).toContain('--loaded-at');
    expect((await etl(['loaded'])).exitCode).toBe(2);
    expect(await isReceiverRunning(dependencies.temporal)).toBe(false);
  });

  test('exits with 1 when Temporal does not answer', { timeout: 30_000 }, async () => {
    const { stderr, exitCode } = await etl(['loaded', '--tables', 'kol_content'], {
      TEMPORAL_ADDRESS: UNREACHABLE_ADDRESS,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('TEMPORAL_ADDRESS');
  });
});
