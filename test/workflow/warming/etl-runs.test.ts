import { describe, expect, test } from 'vitest';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import type { etlLoads } from '../../../workflows/warming/etl-loads.ts';
import { served, useEtlReceiver } from '../../support/etl-receiver.ts';

const { env, recordWarms, withWorker, signal, state, run, skipUntil } = useEtlReceiver();

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

  test('of a run that loaded again later are new loads', async () => {
    const { activities, parts } = recordWarms();
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
      await signal({ ...load, loadedAt: '2026-01-01T03:00:00Z' });
      await skipUntil('the first warm has ended', served(1));
      await signal({ ...load, loadedAt: '2026-01-01T03:00:00+01:00' });
      await signal({ ...load, loadedAt: '2026-01-01T04:00:00+01:00' });
      await signal({ ...load, loadedAt: '2026-01-01T03:00:00.001Z' });
      await skipUntil('the second warm has ended', served(2));
      expect(await state()).toMatchObject({ taken: 2, repeats: 2 });
    });
    expect(parts()).toEqual([['profiles'], ['profiles']]);
  });

  test.each(['before', 'during'])(
    'that arrive %s a warm lead to another warm if that one fails',
    async (when) => {
      let fail = (_outcome: { error: string }) => {};
      const failure = new Promise<{ error: string }>((resolve) => (fail = resolve));
      const { activities, warms } = recordWarms(() =>
        warms().length === 1 ? failure : Promise.resolve(undefined),
      );
      await withWorker(activities, async () => {
        const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
        await signal(load);
        if (when === 'before') await signal(load);
        await skipUntil('the first warm has started', () => warms().length === 1);
        if (when === 'during') await signal(load);
        fail({ error: 'no Redis' });
        await skipUntil('the second warm has ended', () => warms().length === 2);
        await skipUntil(
          'the second warm is done',
          ({ lastWarm }) => lastWarm?.error === null && lastWarm.endedAt !== null,
        );
        expect(await state()).toMatchObject({ taken: 1, repeats: 1 });
        expect(await run('run-1')).toMatchObject({ state: 'done', loads: [{ state: 'done', error: null }] });
      });
      expect(warms()).toMatchObject([[{ scope: { ids: ['1'] } }], [{ scope: { ids: ['1'] } }]]);
    },
  );

  test('are recognised for a day, then the receiver ends; a later load starts it again', async () => {
    const { activities, warms } = recordWarms();
    await withWorker(activities, async () => {
      const load = { tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' };
      const first = await signal(load);
      await skipUntil('the first warm has ended', served(1));
      await env().sleep('23 hours');
      const second = await signal(load);
      expect(second.runId).toBe(first.runId);
      const result = await env()
        .client.workflow.getHandle<typeof etlLoads>(ETL_LOADS_ID, first.runId)
        .result();
      expect(result).toMatchObject({ taken: 1, repeats: 1 });

      const third = await signal(load);
      expect(third.runId).not.toBe(first.runId);
      await skipUntil('the second warm has ended', served(1));
    });
    expect(warms()).toHaveLength(2);
  });
});

describe('a query for a load by its run id', () => {
  test('is taken, then warming in a workflow, then done', async () => {
    let finish = () => {};
    const unfinished = new Promise<undefined>((resolve) => (finish = () => resolve(undefined)));
    const { activities, warms } = recordWarms(() => unfinished);
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_profiles'], ids: ['1'], runId: 'run-1', pipeline: 'a' });
      expect(await run('run-1')).toMatchObject({ state: 'taken', loads: [{ state: 'taken', warm: null }] });
      await skipUntil('the warm has started', () => warms().length === 1);
      const warm = (await state()).lastWarm?.workflowId;
      expect(await run('run-1')).toMatchObject({ state: 'warming', loads: [{ warm, endedAt: null }] });
      await signal({ tables: ['kol_content'], runId: 'run-1', pipeline: 'b' });
      expect(await run('run-1', 'b')).toMatchObject({ state: 'taken' });
      finish();
      await skipUntil('all warms have ended', served(2));
      expect(await run('run-1', 'a')).toEqual({
        runId: 'run-1',
        state: 'done',
        error: null,
        loads: [
          {
            tables: ['kol_profiles'],
            state: 'done',
            takenAt: expect.stringMatching(/Z$/) as string,
            warm,
            endedAt: expect.stringMatching(/Z$/) as string,
            error: null,
          },
        ],
      });
      expect((await run('run-1'))?.loads).toHaveLength(2);
      expect(await run('run-1', 'c')).toBeNull();
      expect(await run('run-2')).toBeNull();
    });
  });

  test('is failed with the reason when its warm fails', async () => {
    const { activities } = recordWarms(() => Promise.resolve({ error: 'no Redis' }));
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_profiles'], ids: ['1'], runId: 'run-1' });
      await skipUntil('the warm has failed', served(1));
      const error = expect.stringContaining('profiles: no Redis') as string;
      expect(await run('run-1')).toMatchObject({ state: 'failed', error, loads: [{ error }] });
    });
  });

  test('is done without a warm when its tables are not cached', async () => {
    const { activities } = recordWarms();
    await withWorker(activities, async () => {
      await signal({ tables: ['kol_trust_features'], runId: 'run-1' });
      await env().sleep('10 seconds');
      expect(await run('run-1')).toMatchObject({ state: 'done', loads: [{ warm: null, error: null }] });
    });
  });
});
