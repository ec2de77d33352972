import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import { Redis } from 'ioredis';
import { expect, inject, test } from 'vitest';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { partWarmerId } from '../../../contract/workflow-ids.ts';
import type { warmCache } from '../../../workflows/warming/warm-cache.ts';
import { testConfig, testDependencies } from '../../support/dependencies.ts';
import { allKeys } from '../../support/redis.ts';
import { queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';
import { fillWarmSchema } from '../../support/warm-harness.ts';
import { withWorker } from '../../support/worker.ts';

test('when a worker is killed during a split, the next one continues after the id of the last heartbeat, and every profile is cached', async () => {
  const engines = inject('engines');
  const TRINO_SCHEMA = await fillWarmSchema(14);
  const table = `${engines.TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles`;
  const trino = (sql: string) => queryTrino(engines.TRINO_URL, sql);
  const user = `survivor-${process.pid}`;
  const config = testConfig(14, { TRINO_SCHEMA, TRINO_USER: user });
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
    const position = async () => {
      const { raw } = await warmer.describe();
      const [payload] = raw.pendingActivities?.[0]?.heartbeatDetails?.payloads ?? [];
      if (!payload) return null;
      return defaultPayloadConverter.fromPayload<{ after: string | null }>(payload).after;
    };
    let lastSeenId: string | null = null;
    await until('a heartbeat with a position', async () => {
      lastSeenId = await position().catch(() => null);
      return lastSeenId !== null;
    });
    doomed.kill('SIGKILL');
    await died;

    const report = await withWorker(WARM_TASK_QUEUE, activities.warm, () => run.result());

    const ids = (await trino(`SELECT kol_id FROM ${table}`)).map(([id]) => `kol:profile:${String(id)}`);
    const keys = (await allKeys(redis)).filter((key) => key.startsWith('kol:profile:'));
    expect(keys).toEqual(ids.sort());
    // All rows are counted once. Rows up to the position are not read again.
    expect(report.parts[0]).toMatchObject({ rowsRead: ids.length, keys: ids.length });
    const queries = await trino(
      `SELECT query FROM system.runtime.queries WHERE "user" = '${user}' AND query LIKE '%ORDER BY coalesce%'`,
    );
    expect(queries).toHaveLength(1);
    const [, startId = ''] = /> '([^']*)'/.exec(String(queries[0]?.[0])) ?? [];
    expect(startId >= String(lastSeenId)).toBe(true);
  } finally {
    doomed.kill('SIGKILL');
    await died;
    await dependencies.close();
    redis.disconnect();
    await trino(`DROP SCHEMA ${engines.TRINO_CATALOG}.${TRINO_SCHEMA} CASCADE`);
  }
});
