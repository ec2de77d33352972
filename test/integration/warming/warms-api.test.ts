import { describe, expect, test } from 'vitest';
import { signalEtlLoad } from '../../../clients/temporal/signal-etl-load.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../../contract/workflow-ids.ts';
import { recordRequests, WARMS } from '../../support/etl-loads.ts';
import { useEtlLoadsApi } from '../../support/etl-loads-api.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

const { dependencies, send } = useEtlLoadsApi();

describe('POST /api/v1/warms', () => {
  test('starts a warm and returns the location of its state', async () => {
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

    const { activities, requests } = recordRequests(dependencies(), ['stats']);
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
    expect(requests).toMatchObject([{ part: 'profiles', scope: { ids: ['1'] } }, { part: 'stats' }]);
  });

  test('without a body warms all parts', async () => {
    const started = await send('POST', WARMS);
    expect(started.status).toBe(202);
    const { activities, requests } = recordRequests(dependencies());
    await withWorker(WARM_TASK_QUEUE, activities, async () => {
      const location = started.headers.get('location') ?? '';
      await until('the warm ended', async () => (await send('GET', location)).json['state'] === 'done');
    });
    expect(requests).toHaveLength(6);
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

  test('GET finds only warms, no other workflows', async () => {
    await signalEtlLoad(dependencies().temporal, { tables: ['kol_trust_features'] });
    for (const id of [ETL_LOADS_ID, 'warm-cache-unknown', 'part-warmer%2Fstats'])
      expect((await send('GET', `${WARMS}/${id}`)).status).toBe(404);
  });
});
