import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SignalPartWarmerArgs } from '../../../activities/warming/signal-part-warmer.ts';
import type { WarmActivities } from '../../../activities/index.ts';
import { duplicateKeyOf } from '../../../domain/warming/etl-load.ts';
import type { WarmPart, WarmScope } from '../../../domain/warming/warm-parts.ts';
import { readEtlLoads, signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import { ETL_LOADS_ID, WARM_TASK_QUEUE } from '../../../contract/workflow-ids.ts';
import type { etlLoads, EtlLoadsArgs, EtlLoadsState } from '../../../workflows/warming/etl-loads.ts';
import { partWarmedSignal } from '../../../contract/messages.ts';
import { reportOf } from '../../support/part-report.ts';
import { createWorker, timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
// A server for each test: time that one test skips is not to end what another one waits for.
beforeEach(async () => {
  env = await timeSkippingServer();
});
afterEach(() => env.teardown());

interface Asked {
  readonly part: WarmPart;
  readonly scope: WarmScope | undefined;
}

/** Part warmers that answer at once; a test changes what one of them answers. */
function recorded(
  answer: (part: WarmPart) => Promise<{ error: string } | undefined> = () => Promise.resolve(undefined),
) {
  /** What each warm asked for. */
  const warms = new Map<string, Asked[]>();
  const activities: Partial<WarmActivities> = {
    checkSourceSchema: () => Promise.resolve({ tables: [], renamed: [] }),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'allkeys-lru' }),
    signalPartWarmer: async ({ part, request: { replyTo, runId, scope, trigger } }: SignalPartWarmerArgs) => {
      expect(trigger).toBe('etl');
      warms.set(replyTo, [...(warms.get(replyTo) ?? []), { part, scope }]);
      const failed = await answer(part);
      const outcome = { part, runId, ...(failed ?? { report: reportOf(part) }) };
      await env.client.workflow.getHandle(replyTo, runId).signal(partWarmedSignal, outcome);
    },
  };
  return { activities, warms: () => [...warms.values()], parts: () => partsOf([...warms.values()]) };
}

const partsOf = (warms: readonly (readonly Asked[])[]) =>
  warms.map((asked) => asked.map(({ part }) => part).sort());

const withWorker = async (activities: object, work: () => Promise<void>) =>
  (await createWorker(env, WARM_TASK_QUEUE, activities)).runUntil(work);

const signal = (load: unknown) => signalEtlLoad(env.client, load as Parameters<typeof signalEtlLoad>[1]);

const state = async (): Promise<EtlLoadsState> => {
  const now = await readEtlLoads(env.client);
  if (now === null) throw new Error('the receiver does not run');
  return now;
};

/** Lets time pass until something is so. */
const skipUntil = (what: string, done: (state: EtlLoadsState) => boolean) =>
  until(what, async () => {
    await env.sleep('1 second');
    return done(await state());
  });

const ended = ({ lastWarm, waiting }: EtlLoadsState) => waiting.loads === 0 && lastWarm?.endedAt != null;
const taken = (count: number) => (now: EtlLoadsState) => now.taken === count && ended(now);

const start = (input?: EtlLoadsArgs) =>
  env.client.workflow.start<typeof etlLoads>('etlLoads', {
    workflowId: ETL_LOADS_ID,
    taskQueue: WARM_TASK_QUEUE,
    args: input === undefined ? [] : [input],
  });

describe('loads of a short window', () => {
  test('are one warm of what depends on the tables, whoever told of them', async () => {
    const { activities, parts } = recorded();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_content'], pipeline: 'a', runId: '1' });
      await signal({ tables: ['kol_content'], pipeline: 'b', runId: '1' });
      await signal({ tables: ['kol_content'] });
      await skipUntil('a warm', taken(3));
      expect((await state()).lastWarm).toMatchObject({
        requestedBy: 'a, b, unknown',
        loads: 3,
        error: null,
        keys: 3,
      });
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending']]);
  });

  test('are one warm also when thousands came while no worker ran', async () => {
    const { activities, warms } = recorded();
    const loads = Array.from({ length: 3000 }, (_, index) => ({
      tables: ['kol_profiles'],
      pipeline: `p-${index % 20}`,
      runId: String(index),
      ids: Array.from({ length: 100 }, (_, id) => `kol-${(index * 100 + id) % 900}`),
    }));
    // The test server starts a workflow twice where two signals would.
    await signal(loads[0]);
    for (let from = 1; from < loads.length; from += 20)
      await Promise.all(loads.slice(from, from + 20).map(signal));
    await withWorker(activities, () => skipUntil('a warm', taken(loads.length)));
    expect(warms().map((asked) => asked.map(({ part, scope }) => [part, scope?.ids?.length]))).toEqual([
      [['profiles', 900]],
    ]);
  });

  test('of ids and platforms are one warm of just those', async () => {
    const { activities, warms } = recorded();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_profiles'], ids: ['1', '2'] });
      await signal({ tables: ['kol_profiles'], ids: ['3'] });
      await signal({ tables: ['kol_content'], platforms: ['tiktok'] });
      await skipUntil('a warm', taken(3));
    });
    const [asked = []] = warms();
    expect(Object.fromEntries(asked.map(({ part, scope }) => [part, scope]))).toEqual({
      profiles: { ids: ['1', '2', '3'] },
      rankings: { platforms: ['tiktok'] },
      trending: { platforms: ['tiktok'] },
      stats: { platforms: ['tiktok'] },
    });
  });

  test('of tables that the cache holds nothing of are no warm', async () => {
    const { activities, warms } = recorded();
    await withWorker(activities, async () => {
      const { workflowId } = await signal({ tables: ['kol_trust_features'] });
      const result = await env.client.workflow.getHandle<typeof etlLoads>(workflowId).result();
      expect(result).toMatchObject({ taken: 1, lastWarm: null });
    });
    expect(warms()).toEqual([]);
  });
});

describe('loads that come during a warm', () => {
  test('make the next one, together', async () => {
    let finish = () => {};
    const held = new Promise<undefined>((resolve) => (finish = () => resolve(undefined)));
    const { activities, parts, warms } = recorded((part) =>
      part === 'trending' ? held : Promise.resolve(undefined),
    );
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_content'] });
      await skipUntil('the first warm has begun', () => warms().length === 1);
      await signal({ tables: ['kol_profiles'], ids: ['1'] });
      await signal({ tables: ['kol_profiles'], ids: ['2'] });
      expect(await state()).toMatchObject({
        waiting: { loads: 2, parts: ['profiles'] },
        lastWarm: { endedAt: null },
      });
      finish();
      await skipUntil('the second warm', taken(3));
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending'], ['profiles']]);
  });

  test('are served when the first warm fails, and a repeat of the failed ones is none', async () => {
    let failing = true;
    const { activities, parts } = recorded(() =>
      Promise.resolve(failing ? { error: 'no Redis' } : undefined),
    );
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: '1' };
      await signal(load);
      await skipUntil('the failure', taken(1));
      expect((await state()).lastWarm?.error).toContain('profiles: no Redis');
      failing = false;
      await signal(load);
      await skipUntil('the second warm', taken(2));
      expect(await state()).toMatchObject({ repeats: 0, lastWarm: { error: null } });
    });
    expect(parts()).toEqual([['profiles'], ['profiles']]);
  });
});

describe('repeats', () => {
  test('of a pipeline run count once; what the run says besides is taken', async () => {
    const { activities, parts } = recorded();
    await withWorker(activities, async () => {
      const run = { pipeline: 'nightly', runId: 'run-1' };
      for (let time = 0; time < 3; time += 1) await signal({ ...run, tables: ['kol_content'] });
      await skipUntil('the first warm', taken(1));
      await signal({ ...run, tables: ['kol_content'], loadedAt: '2026-01-01T03:00:00Z' });
      await signal({ ...run, tables: ['kol_profiles'], ids: ['1'] });
      await skipUntil('the second warm', taken(2));
      expect(await state()).toMatchObject({ taken: 2, repeats: 3, ignored: 0 });
    });
    expect(parts()).toEqual([['rankings', 'stats', 'trending'], ['profiles']]);
  });

  test('are known for a day, after which the receiver ends; a later load starts it anew', async () => {
    const { activities, warms } = recorded();
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
      const first = await signal(load);
      await skipUntil('the first warm', taken(1));
      await env.sleep('23 hours');
      const second = await signal(load);
      expect(second.runId).toBe(first.runId);
      const result = await env.client.workflow.getHandle<typeof etlLoads>(ETL_LOADS_ID, first.runId).result();
      expect(result).toMatchObject({ taken: 1, repeats: 1 });

      const third = await signal(load);
      expect(third.runId).not.toBe(first.runId);
      await skipUntil('the second warm', taken(1));
    });
    expect(warms()).toHaveLength(2);
  });
});

describe('signals that are malformed', () => {
  test('are shown with what was wrong, and stop no other', async () => {
    const { activities, parts } = recorded();
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
      await signal({ tables: ['kol_profiles', 'a_table_of_somebody_else'], ids: [1] });
      await skipUntil('a warm', taken(1));
      const { ignored, problems } = await state();
      expect(ignored).toBe(7);
      expect(problems).toHaveLength(5);
      expect(problems.at(-1)).toMatchObject({
        ignored: false,
        reason: expect.stringMatching(/a_table_of_somebody_else.*kol_trust_features.*ids = \[1\]/) as string,
      });
    });
    // Ids that cannot be read are not waited for: all that depends on the table is refreshed.
    expect(parts()).toEqual([['lists', 'profiles', 'rankings', 'search', 'stats']]);
  });
});

describe('a run that follows another', () => {
  test('without input waits for loads', async () => {
    const { activities, warms } = recorded();
    await withWorker(activities, async () => {
      expect(await (await start()).result()).toMatchObject({ taken: 0, lastWarm: null });
    });
    expect(warms()).toEqual([]);
  });

  test('serves what was not served, and knows the repeats', async () => {
    const { activities, warms } = recorded();
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
      await skipUntil('the warm', ended);
      expect(await state()).toMatchObject({ repeats: 1, lastWarm: { requestedBy: 'nightly', loads: 2 } });
    });
    expect(warms()).toEqual([[{ part: 'profiles', scope: { ids: ['1'] } }]]);
  });
});
