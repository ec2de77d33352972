import { describe, expect, test } from 'vitest';
import { etlLoadsStateQuery, etlRunQuery, tablesLoadedSignal } from '../../../contract/messages.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { createLoadMemory } from '../../../domain/warming/load-memory.ts';
import type { etlLoads } from '../../../workflows/warming/etl-loads.ts';
import { anyArguments, failedTasks, sendSignals } from '../../support/any-payload.ts';
import { served, useEtlReceiver, warmEnded } from '../../support/etl-receiver.ts';

const { env, recordWarms, withWorker, signal, state, skipUntil, start } = useEtlReceiver();

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

  test('lead to one warm also when three thousand arrived while no worker ran', async () => {
    const { activities, warms } = recordWarms();
    const loads = Array.from({ length: 3000 }, (_, index) => ({
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
      const result = await env().client.workflow.getHandle<typeof etlLoads>(workflowId).result();
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
      await env().client.workflow.getHandle(ETL_LOADS_ID).signal('tablesLoaded');
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

  test('and queries that cannot be read do not stop other loads either', async () => {
    const { activities, parts } = recordWarms();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_profiles'] });
      const receiver = env().client.workflow.getHandle(ETL_LOADS_ID);
      await sendSignals(receiver, tablesLoadedSignal, anyArguments(40));
      for (const { name } of [etlLoadsStateQuery, etlRunQuery])
        await Promise.allSettled(anyArguments(5).map((args) => receiver.query(name, ...args)));
      await skipUntil('the warm has ended', served(1));
      expect(await state()).toMatchObject({ ignored: 40, lastWarm: { error: null } });
      expect(await failedTasks(receiver)).toEqual([]);
    });
    expect(parts()).toHaveLength(1);
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
    const memory = createLoadMemory();
    await withWorker(activities, async () => {
      memory.add(known, await env().currentTimeMs());
      memory.skipWarm(await env().currentTimeMs());
      await start({
        waiting: {
          loads: 2,
          parts: ['profiles'],
          scopes: { profiles: { ids: ['1'] } },
          pipelines: ['nightly'],
        },
        memory: memory.snapshot(),
      });
      await signal(known);
      await skipUntil('the warm has ended', warmEnded);
      expect(await state()).toMatchObject({ repeats: 1, lastWarm: { requestedBy: 'nightly', loads: 2 } });
    });
    expect(warms()).toEqual([[{ part: 'profiles', scope: { ids: ['1'] } }]]);
  });
});
