import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { smallSplits } from '../../support/small-splits.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import type { WarmReport } from '../../../contract/warm-cache.ts';
import { testEngines } from '../../support/test-engines.ts';

const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = testEngines();
let harness: WarmHarness;
let slow: Awaited<ReturnType<typeof smallSplits>>;
let fast: Awaited<ReturnType<typeof smallSplits>>;
let splits: typeof slow;
beforeAll(async () => {
  harness = await warmHarness(5, {}, () => ({
    planProfiles: (args) => splits.planProfiles(args),
    warmProfileSplit: (args) => splits.warmProfileSplit(args),
  }));
  fast = await smallSplits(harness.config, { rowsPerSplit: 100, parallelSplits: 2, writesPerSecond: 0 });
  slow = await smallSplits(harness.config, { rowsPerSplit: 1000, parallelSplits: 1, writesPerSecond: 20 });
});
afterAll(async () => {
  await fast.close();
  await slow.close();
  await harness.stop();
});
beforeEach(() => harness.redis.flushdb());

const cli = (...options: string[]) =>
  execa(process.execPath, ['--import', 'tsx', 'cli/warm.ts', ...options], {
    env: { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE },
    reject: false,
  });

test('prints a table with rows read and keys written, renewed and removed, and the memory of Redis', async () => {
  splits = fast;
  const { redis } = harness;
  const first = await cli('--profiles', 'all', '--rankings');
  expect(first.exitCode).toBe(0);
  const [[rows] = []] = await harness.trino(`SELECT count(*) FROM ${harness.schema}.kol_profiles`);
  expect(first.stdout).toMatch(/^part +rows read +written +KiB +renewed +removed +cached +ms +notes$/m);
  expect(first.stdout).toMatch(new RegExp(`^profiles +${String(rows)} +${String(rows)} +\\d+ +0 +0 `, 'm'));
  expect(first.stdout).toMatch(/^Redis holds \d+ keys in .* MiB of 512 MiB \(\d+ %, allkeys-lru\)$/m);

  const second = await cli('--profiles', 'all', '--rankings');
  expect(second.stdout).toMatch(/^profiles +0 +0 +0 +\d+ +0 +\d+ +\d+ +unchanged since/m);
  expect(second.stdout).toMatch(new RegExp(`renewed ${Number(rows) + 12}, removed 0`));

  await redis.hset('kol:profile:gone', { kol_id: 'gone', cached_at: '2026' });
  const forced = await cli('--all-profiles', '--profiles', '--force', '--json');
  const report = JSON.parse(forced.stdout) as WarmReport;
  expect(report).toMatchObject({ keys: 0, renewed: rows, removed: 1, parts: [{ part: 'profiles' }] });
});

test('prints a failure on stderr and exits with 1; --allow-shrink accepts the smaller table', async () => {
  const { trino, schema } = harness;
  splits = fast;
  await cli('--lists');
  await trino(`CREATE TABLE ${schema}.all_profiles AS SELECT * FROM ${schema}.kol_profiles`);
  await trino(`DELETE FROM ${schema}.kol_profiles WHERE platform <> 'tiktok'`);
  const failed = await cli('--lists');
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toContain('warm with --allow-shrink');
  expect((await cli('--lists', '--allow-shrink')).exitCode).toBe(0);
  await trino(`CREATE OR REPLACE TABLE ${schema}.kol_profiles AS SELECT * FROM ${schema}.all_profiles`);
});

test('prints what to fix in the source schema, without a stack', async () => {
  const { trino, schema } = harness;
  await trino(`ALTER TABLE ${schema}.kol_content RENAME COLUMN views TO seen`);
  try {
    const failed = await cli('--trending');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(
      /^1 of 1 parts failed.* The source schema is not as expected\. .*Fix: .*views/,
    );
    expect(failed.stderr).not.toContain('    at ');
  } finally {
    await trino(`ALTER TABLE ${schema}.kol_content RENAME COLUMN seen TO views`);
  }
});

test('--profiles accepts no value except all', async () => {
  const run = await cli('--profiles', 'most');
  expect(run.exitCode).toBe(2);
  expect(run.stderr).toContain('Allowed choices are all');
});

test('shows progress, and Ctrl-C cancels the warm', async () => {
  splits = slow;
  const run = cli('--profiles=all', '--allow-shrink');
  let shown = '';
  run.stdout.on('data', (text: Buffer) => (shown += text.toString()));
  await until('a line of progress that includes rows of the running split', () =>
    Promise.resolve(/profiles \d+ % \([1-9]\d* of \d+ rows\) \d+ s\n/.test(shown)),
  );
  run.kill('SIGINT');
  const { exitCode, stderr } = await run;
  expect(exitCode).toBe(130);
  expect(stderr).toContain('Cancelling warm-cache-manual-');
  expect(stderr).toContain('The warm was cancelled');
  const [, id = ''] = /as (warm-cache-manual-[^:\s]*)/.exec(shown) ?? [];
  expect((await harness.temporal.workflow.getHandle(id).describe()).status.name).toBe('CANCELLED');
});
