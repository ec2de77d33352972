import type { WorkflowFailedError } from '@temporalio/client';
import type { RawValue } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failureTypes } from '../../contract/failure-types.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { anyArguments } from '../support/any-payload.ts';
import { createWorker, timeSkippingServer } from '../support/time-skipping.ts';

let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(() => env.teardown());

const REQUEST = { trigger: 'etl', replyTo: 'a', runId: 'a' };
const STATE = { taken: 0, repeats: 0, ignored: 0, problems: [], waiting: { loads: 0, parts: [] } };

/** Inputs of which a part is wrong. */
const wrongInputs: Readonly<Record<keyof Workflows, unknown[][]>> = {
  warmCache: [[{ scopes: { profiles: { ids: ['a\u0000'] } } }], [{ parts: [{}] }], [{ requestedBy: 7 }]],
  partWarmer: [
    [],
    [{}],
    [{ part: 'everything' }],
    [{ part: 'stats', waiting: [null] }],
    [{ part: 'stats', waiting: [{ ...REQUEST, runId: 'a\u0000' }] }],
    [{ part: 'stats', waiting: [REQUEST], waitingScope: { platforms: ['A'] } }],
  ],
  etlLoads: [
    [{ state: {} }],
    [{ state: { ...STATE, lastWarm: {} } }],
    [{ waiting: { loads: 1, parts: ['stats'], scopes: { stats: 7 }, pipelines: [] } }],
    [{ memory: { loads: [{}], warms: [] } }],
  ],
  scoringLoop: [[], [{}], [{ topic: 7 }], [{ topic: 't', carried: {}, shard: 'a' }]],
};

/** Without input, or with an object without their fields, most workflows use their defaults. */
function isWrong([first]: unknown[]): boolean {
  if (first === undefined) return false;
  try {
    const value: unknown = JSON.parse(Buffer.from((first as RawValue).payload.data ?? []).toString());
    return typeof value !== 'object' || Array.isArray(value);
  } catch {
    return true;
  }
}

test.each(Object.keys(wrongInputs) as (keyof Workflows)[])(
  '%s fails when its input is not valid, instead of failing its workflow task forever',
  async (type) => {
    const inputs = [...wrongInputs[type], ...anyArguments(15).filter(isWrong)];
    const worker = await createWorker(env, WARM_TASK_QUEUE, {});
    const typesOfFailures = await worker.runUntil(() =>
      Promise.all(
        inputs.map((args, index) => {
          const options = { taskQueue: WARM_TASK_QUEUE, workflowId: `${type}-${index}`, args };
          return env.client.workflow.execute(type, options).then(
            () => 'none',
            (error: unknown) => ((error as WorkflowFailedError).cause as { readonly type?: string }).type,
          );
        }),
      ),
    );
    expect(new Set(typesOfFailures)).toEqual(new Set([failureTypes.invalidInput]));
  },
);
