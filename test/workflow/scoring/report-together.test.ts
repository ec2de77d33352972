import { Client, Connection } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportRangesTogether } from '../../../activities/scoring/report-together.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { scoredCount, withTimeSkippingLoop } from '../../support/time-skipping-loop.ts';
import { timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(() => env.teardown());

/** The identities that reported the ranges of a batch of three, when ranges report over this connection. */
async function reporters(connection: Connection): Promise<(string | null | undefined)[]> {
  const client = new Client({ connection, identity: 'client' });
  const activities = reportRangesTogether(client, inMemoryTopic(3, 1).activities);
  const events = await withTimeSkippingLoop(env, activities, {}, async (loop) => {
    await until('all are counted', async () => (await scoredCount(loop)) === 3);
    return (await loop.fetchHistory()).events ?? [];
  });
  return events
    .flatMap(({ activityTaskCompletedEventAttributes: completed }) => completed ?? [])
    .slice(1) // the first is the plan
    .map(({ identity }) => identity);
}

describe('ranges of a batch', () => {
  test('report over the client; one of them carries the report of the range that plans the next batch', async () => {
    expect(await reporters(env.connection)).toEqual(['client', 'client']);
  });

  test('are reported by the worker when the client cannot reach Temporal', async () => {
    const unreachable = Connection.lazy({ address: '127.0.0.1:1' });
    try {
      const [worker] = await reporters(unreachable);
      expect(worker).toMatch(/@/);
    } finally {
      await unreachable.close();
    }
  });
});
