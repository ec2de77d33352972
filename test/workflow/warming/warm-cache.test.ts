import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WarmActivities } from '../../../activities/index.ts';
import type { WarmPartArgs } from '../../../activities/warming/part-warm.ts';
import type { ProfilePlan } from '../../../activities/warming/plan-profiles.ts';
import { createSignalPartWarmer } from '../../../activities/warming/signal-part-warmer.ts';
import { failureTypes } from '../../../contract/failure-types.ts';
import { tablesLoadedSignal } from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import type { WarmCacheInput } from '../../../contract/warm-cache.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import type { EtlLoad } from '../../../domain/warming/etl-load.ts';
import { warmParts, type WarmPart } from '../../../domain/warming/warm-parts.ts';
import type { etlLoads } from '../../../workflows/warming/etl-loads.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { reportOf } from '../../support/part-report.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';

let env: TestWorkflowEnvironment;
// A server for each test, because skipped time ends the waits of all workflows on it.
beforeEach(async () => {
  env = await timeSkippingServer();
});
afterEach(() => env.teardown());

type SetsPart = Exclude<WarmPart, 'profiles'>;
const activityOf: Record<SetsPart, keyof WarmActivities> = {
  rankings: 'warmRankings',
  trending: 'warmTrending',
  stats: 'warmStats',
  search: 'warmSearch',
  lists: 'warmLists',
};

/** Activities that record their runs. @param change activities that differ in a test */
function recordRuns(change: Partial<WarmActivities> = {}) {
  const runs: { part: WarmPart; args: WarmPartArgs }[] = [];
  const warm = (part: WarmPart) => (args: WarmPartArgs) => {
    runs.push({ part, args });
    return Promise.resolve(reportOf(part));
  };
  const sets = Object.entries(activityOf).map(([part, name]) => [name, warm(part as WarmPart)]);
  const activities = {
    ...(Object.fromEntries(sets) as Pick<WarmActivities, (typeof activityOf)[SetsPart]>),
    checkSourceSchema: () => Promise.resolve({ renamed: [], mismatched: [] }),
    dropOutdated: () => Promise.resolve(0),
    signalPartWarmer: createSignalPartWarmer({ temporal: env.client }),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'allkeys-lru' }),
    planProfiles: async (args: WarmPartArgs): Promise<ProfilePlan> => ({
      ...emptyPlan,
      report: await warm('profiles')(args),
    }),
    ...change,
  };
  return {
    activities,
    runs,
    count: (part: WarmPart) => runs.filter((run) => run.part === part).length,
  };
}

/** A plan without splits: there is nothing to warm. */
const emptyPlan: Omit<ProfilePlan, 'report'> = {
  readAt: '2026-01-01T00:00:00.000Z',
  total: 0,
  splits: [],
  parallelSplits: 1,
  idsRepeat: false,
  room: null,
  writesPerSecond: 0,
  versions: {},
  tableRows: {},
  shape: 'all',
};

let ids = 0;
const start = (args?: WarmCacheInput) =>
  env.client.workflow.start<typeof warmCache>('warmCache', {
    taskQueue: WARM_TASK_QUEUE,
    workflowId: `warm-${(ids += 1)}`,
    args: args === undefined ? [] : [args],
  });

describe('warmCache', () => {
  test('without input warms every part once and reports them', async () => {
    const { activities, count } = recordRuns();
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    const report = await worker.runUntil(async () => (await start()).result());
    expect(report).toMatchObject({ trigger: 'manual', keys: 6 });
    for (const part of warmParts) expect(count(part)).toBe(1);
  });

  test('continues with the other parts when one fails, and reports them', async () => {
    const { activities, count } = recordRuns({
      warmTrending: () =>
        Promise.reject(ApplicationFailure.nonRetryable('no rows for trending', failureTypes.emptyRead)),
    });
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    const failed = await worker.runUntil(async () =>
      (await start()).result().catch((error: unknown) => error),
    );
    expect(failed).toBeInstanceOf(WorkflowFailedError);
    const cause = (failed as WorkflowFailedError).cause as ApplicationFailure;
    expect(cause.type).toBe('WarmIncomplete');
    expect(cause.message).toContain(
      '1 of 6 parts failed; the others are warm. trending: no rows for trending',
    );
    expect(cause.details?.[0]).toMatchObject({ keys: 5 });
    expect(count('stats')).toBe(1);
  });

  test.each([
    ['schedule', 30],
    ['startup', 60],
    ['etl', 60],
  ] as const)(
    'by %s does not wait longer than %d minutes for a stuck part, and reports it',
    async (trigger, minutes) => {
      const signal = createSignalPartWarmer({ temporal: env.client });
      const { activities, count } = recordRuns({
        // The part warmer never answers.
        signalPartWarmer: async (args) => {
          if (args.part !== 'trending') await signal(args);
        },
      });
      const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
      const failed = await worker.runUntil(async () => {
        const first = await start({ trigger });
        const failure: unknown = await first.result().catch((error: unknown) => error);
        await (await start({ trigger, parts: ['stats', 'rankings'] })).result();
        return failure;
      });
      expect(String((failed as WorkflowFailedError).cause?.message)).toContain(
        `1 of 6 parts failed; the others are warm. trending: overdue: not warm after ${minutes} minutes`,
      );
      expect([count('stats'), count('rankings')]).toEqual([2, 2]);
    },
  );

  test.each([
    [['lists'] as const, 'WarmIncomplete'],
    [['lists', 'rankings'] as const, 'SourceSchemaMismatch'],
  ])('fails only parts whose tables do not fit (%j), with the type %s', async (mismatched, type) => {
    const mismatch = () =>
      Promise.reject(
        ApplicationFailure.nonRetryable(
          'kol_profiles.verified: found varchar',
          failureTypes.sourceSchemaMismatch,
        ),
      );
    const { activities, count } = recordRuns({
      checkSourceSchema: () => Promise.resolve({ renamed: [], mismatched }),
      ...Object.fromEntries(mismatched.map((part) => [activityOf[part], mismatch])),
    });
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    const failed = await worker.runUntil(async () =>
      (await start({ parts: ['lists', 'rankings'] })).result().catch((error: unknown) => error),
    );
    const { cause } = failed as WorkflowFailedError;
    expect(cause).toMatchObject({ type });
    expect(cause?.message).toContain('lists: kol_profiles.verified: found varchar');
    expect(count('rankings')).toBe(2 - mismatched.length);
  });

  test('in a dry run reads, and sends no request to a part warmer', async () => {
    const { activities, runs } = recordRuns({
      signalPartWarmer: () =>
        Promise.reject(ApplicationFailure.nonRetryable('a dry run must not request a warm')),
    });
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    await worker.runUntil(async () => (await start({ dryRun: true })).result());
    expect(runs.map(({ args }) => args.dryRun)).toEqual(Array(6).fill(true));
  });

  test('in a dry run removes nothing, also as the warm of a load', async () => {
    const asked: object[] = [];
    const { activities } = recordRuns({ dropOutdated: (args) => Promise.resolve(asked.push(args)) });
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    await worker.runUntil(async () => (await start({ dryRun: true, trigger: 'etl' })).result());
    expect(asked).toEqual([]);
  });

  test('of a load removes outdated values of the parts that are warm, but not of failed parts', async () => {
    const asked: { readonly parts: readonly WarmPart[] }[] = [];
    const { activities } = recordRuns({
      dropOutdated: (args) => Promise.resolve(asked.push(args)),
      warmTrending: () =>
        Promise.reject(ApplicationFailure.nonRetryable('no rows for trending', failureTypes.emptyRead)),
    });
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    const failed = await worker.runUntil(async () =>
      (await start({ trigger: 'etl' })).result().catch((error: unknown) => error),
    );
    expect(failed).toBeInstanceOf(WorkflowFailedError);
    expect(asked.flatMap(({ parts }) => parts).sort()).toEqual(
      warmParts.filter((part) => part !== 'trending').sort(),
    );
  });

  test.each([
    [
      'that also failed',
      ['trending'],
      /^1 of 6 parts failed; the others are warm\. trending: no rows; values/,
    ],
    ['when none failed', [], /^0 of 6 parts failed; the others are warm\. values/],
  ])(
    'of a load that cannot remove what is outdated fails with its report, and the reasons of the parts %s',
    async (_, failing, message) => {
      const { activities } = recordRuns({
        dropOutdated: () => Promise.reject(ApplicationFailure.nonRetryable('Redis is gone')),
        ...(failing.length > 0 && {
          warmTrending: () => Promise.reject(ApplicationFailure.nonRetryable('no rows')),
        }),
      });
      const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
      const failed = await worker.runUntil(async () =>
        (await start({ trigger: 'etl' })).result().catch((error: unknown) => error),
      );
      const cause = (failed as WorkflowFailedError).cause as ApplicationFailure;
      expect(cause.type).toBe('WarmIncomplete');
      expect(cause.message).toMatch(message);
      expect(cause.message).toMatch(/ values from before the load were not removed: Redis is gone$/);
      expect(cause.details?.[0]).toMatchObject({ keys: 6 - failing.length });
    },
  );
});

describe('ETL signals', () => {
  test('of a short window lead to one warm of only the parts that depend on the tables', async () => {
    const { activities, runs } = recordRuns();
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    await worker.runUntil(async () => {
      const signal = (tables: string[]) =>
        env.client.workflow.signalWithStart<typeof etlLoads, [EtlLoad]>('etlLoads', {
          workflowId: ETL_LOADS_ID,
          taskQueue: WARM_TASK_QUEUE,
          signal: tablesLoadedSignal,
          signalArgs: [{ tables }],
        });
      await signal(['kol_content']);
      await signal(['kol_content', 'a_table_of_another_team']);
      const handle = await signal(['kol_content']);
      await handle.result();
    });
    expect(runs.map(({ part }) => part).sort()).toEqual(['rankings', 'stats', 'trending']);
    expect(runs[0]?.args.trigger).toBe('etl');
  });

  test('that are not valid do not stop the others', async () => {
    const { activities, runs } = recordRuns();
    const worker = await createWorker(env, WARM_TASK_QUEUE, activities);
    await worker.runUntil(async () => {
      const options = { workflowId: `${ETL_LOADS_ID}-2`, taskQueue: WARM_TASK_QUEUE, signal: 'tablesLoaded' };
      await env.client.workflow.signalWithStart('etlLoads', { ...options, signalArgs: ['kol_content'] });
      const handle = await env.client.workflow.signalWithStart('etlLoads', {
        ...options,
        signalArgs: [{ tables: ['kol_trust_features', 'kol_profiles'] }],
      });
      await handle.result();
    });
    expect(new Set(runs.map(({ part }) => part))).toEqual(
      new Set(['profiles', 'rankings', 'stats', 'search', 'lists']),
    );
  });
});
