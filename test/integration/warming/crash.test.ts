import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { partWarmerId } from '../../../contract/workflow-ids.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { allKeys } from '../../support/redis.ts';
import { queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';
import { fillWarmSchema } from '../../support/warm-harness.ts';
import { withWorker } from '../../support/worker.ts';
import { testEngines } from '../../support/test-engines.ts';

test('when a worker is killed during a split, the next one begins the split again, and every profile is cached and counted once', async () => {
  const engines = testEngines();
  const TRINO_SCHEMA = await fillWarmSchema(14);
  const table = `${engines.TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles`;
  const trino = (sql: string) => queryTrino(engines.TRINO_URL, sql);
  const config = testConfig(14, { TRINO_SCHEMA });
  const redis = new Redis(config.REDIS_URL, { protocol: 2 });
  await redis.flushdb();
  const dependencies = await testDependencies(config);
  const { temporal, activities } = dependencies;
  const doomed = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      fileURLToPath(new URL('../../support/warm-worker.ts', import.meta.url)),
      engines.WORKFLOW_BUNDLE,
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        ...engines,
        REDIS_URL: config.REDIS_URL,
        ML_API_URL: config.ML_API_URL,
        TRINO_SCHEMA,
        TRINO_USER: `doomed-${process.pid}`,
      },
    },
  );
  const died = once(doomed, 'exit');
  try {
    const run = await temporal.workflow.start<typeof warmCache>('warmCache', {
      taskQueue: WARM_TASK_QUEUE,
      workflowId: `test-crash-${process.pid}`,
      args: [{ parts: ['profiles'], allProfiles: true }],
    });
    const warmer = temporal.workflow.getHandle(partWarmerId('profiles'));
    const rowsRead = async () => {
      const { raw } = await warmer.describe();
      const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
      return payload
        ? defaultPayloadConverter.fromPayload<{ rowsRead?: number }>(payload).rowsRead
        : undefined;
    };
    await until(
      'a heartbeat with rows that were read',
      async () => ((await rowsRead().catch(() => undefined)) ?? 0) > 0,
    );
    doomed.kill('SIGKILL');
    await died;

    const report = await withWorker(WARM_TASK_QUEUE, activities.warm, () => run.result());

    const ids = (await trino(`SELECT kol_id FROM ${table}`)).map(([id]) => `kol:profile:${String(id)}`);
    const keys = (await allKeys(redis)).filter((key) => key.startsWith('kol:profile:'));
    expect(keys).toEqual(ids.sort());
    expect(report.parts[0]).toMatchObject({ rowsRead: ids.length, keys: ids.length });
  } finally {
    doomed.kill('SIGKILL');
    await died;
    await dependencies.close();
    redis.disconnect();
    await trino(`DROP SCHEMA ${engines.TRINO_CATALOG}.${TRINO_SCHEMA} CASCADE`);
  }
});
