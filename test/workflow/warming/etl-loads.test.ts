import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WarmActivities } from '../../../activities/index.ts';
import type { SignalPartWarmerArgs } from '../../../activities/warming/signal-part-warmer.ts';
import { readEtlLoads, signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import type { EtlLoadsInput, EtlLoadsState } from '../../../contract/etl-loads.ts';
import { partWarmedSignal } from '../../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { duplicateKeyOf } from '../../../domain/warming/etl-load.ts';
import type { WarmPart } from '../../../domain/warming/warm-parts.ts';
import type { WarmScope } from '../../../domain/warming/warm-scope.ts';
import type { etlLoads } from '../../../workflows/warming/etl-loads.ts';
import { reportOf } from '../../support/part-report.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
// A server for each test, because skipped time ends the waits of all workflows on it.
beforeEach(async () => {
  env = await timeSkippingServer();
});
afterEach(() => env.teardown());

interface PartRequest {
  readonly part: WarmPart;
  readonly scope: WarmScope | undefined;
}

/**
 * Activities whose part warmers report an outcome immediately.
 * @param outcomeOf the failure of a part, or undefined for success
 */
function recordWarms(
  outcomeOf: (part: WarmPart) => Promise<{ error: string } | undefined> = () => Promise.resolve(undefined),
) {
  /** The requests of each warm, by its workflow id. */
  const warms = new Map<string, PartRequest[]>();
  const activities: Partial<WarmActivities> = {
    checkSourceSchema: () => Promise.resolve({ tables: [], renamed: [] }),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'allkeys-lru' }),
    signalPartWarmer: async ({ part, request: { replyTo, runId, scope, trigger } }: SignalPartWarmerArgs) => {
      expect(trigger).toBe('etl');
      warms.set(replyTo, [...(warms.get(replyTo) ?? []), { part, scope }]);
      const failure = await outcomeOf(part);
      const outcome = { part, runId, ...(failure ?? { report: reportOf(part) }) };
      await env.client.workflow.getHandle(replyTo, runId).signal(partWarmedSignal, outcome);
    },
  };
  return { activities, warms: () => [...warms.values()], parts: () => partsOf([...warms.values()]) };
}

const partsOf = (warms: readonly (readonly PartRequest[])[]) =>
  warms.map((requests) => requests.map(({ part }) => part).sort());

const withWorker = async (activities: object, work: () => Promise<void>) =>
  (await createWorker(env, WARM_TASK_QUEUE, activities)).runUntil(work);

const signal = (load: unknown) => signalEtlLoad(env.client, load as Parameters<typeof signalEtlLoad>[1]);

const state = async (): Promise<EtlLoadsState> => {
  const now = await readEtlLoads(env.client);
  if (now === null) throw new Error('the receiver is not running');
  return now;
};

/** Skips time until a condition is true. */
const skipUntil = (condition: string, isTrue: (state: EtlLoadsState) => boolean) =>
  until(condition, async () => {
    await env.sleep('1 second');
    return isTrue(await state());
  });

const warmEnded = ({ lastWarm, waiting }: EtlLoadsState) => waiting.loads === 0 && lastWarm?.endedAt != null;
const served = (count: number) => (now: EtlLoadsState) => now.taken === count && warmEnded(now);

const start = (input?: EtlLoadsInput) =>
  env.client.workflow.start<typeof etlLoads>('etlLoads', {
    workflowId: ETL_LOADS_ID,
    taskQueue: WARM_TASK_QUEUE,
    args: input === undefined ? [] : [input],
  });

describe('loads of a short window', () => {
  test('lead to one warm of the parts that depend on the tables, whichever pipeline sent them', async () => {
    const { activities, parts } = recordWarms();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_content'], pipeline: 'a', runId: '1' });
      await signal({ tables: ['kol_content'], pipeline: 'b', runId: '1' });
      await signal({ tables: ['kol_content'] });
      await skipUntil('the warm has ended', served(3));
      expect((await state()).lastWarm).toMatchObject({
        requestedBy: 'a, b, unknown',
        loads: 3,
        error: null,
        keys: 3,
      });
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending']]);
  });

  test('lead to one warm also when a thousand arrived while no worker ran', async () => {
    const { activities, warms } = recordWarms();
    const loads = Array.from({ length: 1000 }, (_, index) => ({
      tables: ['kol_profiles'],
      pipeline: `p-${index % 20}`,
      runId: String(index),
      ids: Array.from({ length: 100 }, (_, id) => `kol-${(index * 100 + id) % 900}`),
    }));
    // Send the first alone: the test server starts the workflow twice for two signals at the same time.
    await signal(loads[0]);
    for (let from = 1; from < loads.length; from += 20)
      await Promise.all(loads.slice(from, from + 20).map(signal));
    await withWorker(activities, () => skipUntil('the warm has ended', served(loads.length)));
    expect(warms().map((requests) => requests.map(({ part, scope }) => [part, scope?.ids?.length]))).toEqual([
      [['profiles', 900]],
    ]);
  });

  test('of ids and platforms lead to one warm of only these', async () => {
    const { activities, warms } = recordWarms();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_profiles'], ids: ['1', '2'] });
      await signal({ tables: ['kol_profiles'], ids: ['3'] });
      await signal({ tables: ['kol_content'], platforms: ['tiktok'] });
      await skipUntil('the warm has ended', served(3));
    });
    const [requests = []] = warms();
    expect(Object.fromEntries(requests.map(({ part, scope }) => [part, scope]))).toEqual({
      profiles: { ids: ['1', '2', '3'] },
      rankings: { platforms: ['tiktok'] },
      trending: { platforms: ['tiktok'] },
      stats: { platforms: ['tiktok'] },
    });
  });

  test('of tables that are not cached lead to no warm', async () => {
    const { activities, warms } = recordWarms();
    await withWorker(activities, async () => {
      const { workflowId } = await signal({ tables: ['kol_trust_features'] });
      const result = await env.client.workflow.getHandle<typeof etlLoads>(workflowId).result();
      expect(result).toMatchObject({ taken: 1, lastWarm: null });
    });
    expect(warms()).toEqual([]);
  });
});

describe('loads that arrive during a warm', () => {
  test('lead to one next warm', async () => {
    let finish = () => {};
    const unfinished = new Promise<undefined>((resolve) => (finish = () => resolve(undefined)));
    const { activities, parts, warms } = recordWarms((part) =>
      part === 'trending' ? unfinished : Promise.resolve(undefined),
    );
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_content'] });
      await skipUntil('the first warm has started', () => warms().length === 1);
      await signal({ tables: ['kol_profiles'], ids: ['1'] });
      await signal({ tables: ['kol_profiles'], ids: ['2'] });
      expect(await state()).toMatchObject({
        waiting: { loads: 2, parts: ['profiles'] },
        lastWarm: { endedAt: null },
      });
      finish();
      await skipUntil('the second warm has ended', served(3));
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending'], ['profiles']]);
  });

  test('are served when the first warm fails; a failed load that is sent again is no repeat', async () => {
    let failing = true;
    const { activities, parts } = recordWarms(() =>
      Promise.resolve(failing ? { error: 'no Redis' } : undefined),
    );
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: '1' };
      await signal(load);
      await skipUntil('the first warm has failed', served(1));
      expect((await state()).lastWarm?.error).toContain('profiles: no Redis');
      failing = false;
      await signal(load);
      await skipUntil('the second warm has ended', served(2));
      expect(await state()).toMatchObject({ repeats: 0, lastWarm: { error: null } });
    });
    expect(parts()).toEqual([['profiles'], ['profiles']]);
  });
});

describe('repeats', () => {
  test('of a pipeline run count once; its other loads are accepted', async () => {
    const { activities, parts } = recordWarms();
    await withWorker(activities, async () => {
      const run = { pipeline: 'nightly', runId: 'run-1' };
      for (let time = 0; time < 3; time += 1) await signal({ ...run, tables: ['kol_content'] });
      await skipUntil('the first warm has ended', served(1));
      await signal({ ...run, tables: ['kol_content'], loadedAt: '2026-01-01T03:00:00Z' });
      await signal({ ...run, tables: ['kol_profiles'], ids: ['1'] });
      await skipUntil('the second warm has ended', served(2));
      expect(await state()).toMatchObject({ taken: 2, repeats: 3, ignored: 0 });
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending'], ['profiles']]);
  });

  test('are recognised for a day, then the receiver ends; a later load starts it again', async () => {
    const { activities, warms } = recordWarms();
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
      const first = await signal(load);
      await skipUntil('the first warm has ended', served(1));
      await env.sleep('23 hours');
      const second = await signal(load);
      expect(second.runId).toBe(first.runId);
      const result = await env.client.workflow.getHandle<typeof etlLoads>(ETL_LOADS_ID, first.runId).result();
      expect(result).toMatchObject({ taken: 1, repeats: 1 });

      const third = await signal(load);
      expect(third.runId).not.toBe(first.runId);
      await skipUntil('the second warm has ended', served(1));
    });
    expect(warms()).toHaveLength(2);
  });
});

describe('invalid signals', () => {
  test('are shown with their problems and do not stop other loads', async () => {
    const { activities, parts } = recordWarms();
    await withWorker(activities, async () => {
      for (const given of [
        'kol_content',
        null,
        7,
        {},
        { tables: 'kol_content' },
        { tables: ['kol_contents'] },
      ])
        await signal(given);
      await env.client.workflow.getHandle(ETL_LOADS_ID).signal('tablesLoaded');
      await signal({ tables: ['kol_profiles', 'a_table_of_another_team'], ids: [1] });
      await skipUntil('the warm has ended', served(1));
      const { ignored, problems } = await state();
      expect(ignored).toBe(7);
      expect(problems).toHaveLength(5);
      expect(problems.at(-1)).toMatchObject({
        ignored: false,
        reason: expect.stringMatching(/a_table_of_another_team.*kol_trust_features.*ids = \[1\]/) as string,
      });
    });
    // Invalid ids are left out, so all parts that depend on the table are refreshed.
    expect(parts()).toEqual([['lists', 'profiles', 'rankings', 'search', 'stats']]);
  });
});

describe('a run of the receiver', () => {
  test('that gets no input waits for loads', async () => {
    const { activities, warms } = recordWarms();
    await withWorker(activities, async () => {
      expect(await (await start()).result()).toMatchObject({ taken: 0, lastWarm: null });
    });
    expect(warms()).toEqual([]);
  });

  test('that follows another serves the waiting loads and recognises the repeats', async () => {
    const { activities, warms } = recordWarms();
    const known = { tables: ['kol_content'], runId: 'run-1' };
    const key = duplicateKeyOf(known) ?? '';
    await withWorker(activities, async () => {
      await start({
        waiting: {
          loads: 2,
          parts: ['profiles'],
          scopes: { profiles: { ids: ['1'] } },
          pipelines: ['nightly'],
          keys: [],
        },
        remembered: [[key, await env.currentTimeMs()]],
      });
      await signal(known);
      await skipUntil('the warm has ended', warmEnded);
      expect(await state()).toMatchObject({ repeats: 1, lastWarm: { requestedBy: 'nightly', loads: 2 } });
    });
    expect(warms()).toEqual([[{ part: 'profiles', scope: { ids: ['1'] } }]]);
  });
});
