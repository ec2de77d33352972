import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import type { WarmActivities } from '../../activities/index.ts';
import type { SignalPartWarmerArgs } from '../../activities/warming/signal-part-warmer.ts';
import { readEtlLoads, readEtlRun, signalEtlLoad } from '../../clients/temporal/signal-etl-load.ts';
import type { EtlLoadsInput } from '../../contract/etl-loads-input.ts';
import type { EtlLoadsState } from '../../contract/etl-loads.ts';
import { partWarmedSignal } from '../../contract/messages.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { ETL_LOADS_ID } from '../../contract/workflow-ids.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { WarmScope } from '../../domain/warming/warm-scope.ts';
import type { etlLoads } from '../../workflows/warming/etl-loads.ts';
import { reportOf } from './part-report.ts';
import { createWorker, timeSkippingServer } from './time-skipping.ts';
import { until } from './until.ts';

interface PartRequest {
  readonly part: WarmPart;
  readonly scope: WarmScope | undefined;
}

/** Registers hooks that give each test of a file a time-skipping server for a receiver of ETL loads. */
export function useEtlReceiver() {
  let env: TestWorkflowEnvironment;
  // A server for each test, because skipped time ends the waits of all workflows on it.
  beforeEach(async () => {
    env = await timeSkippingServer();
  });
  afterEach(() => env.teardown());

  const state = async (): Promise<EtlLoadsState> => {
    const now = await readEtlLoads(env.client);
    if (now === null) throw new Error('the receiver is not running');
    return now;
  };
  return {
    env: () => env,
    state,
    recordWarms: (outcomeOf?: OutcomeOf) => recordWarms(() => env, outcomeOf),
    withWorker: async (activities: object, work: () => Promise<void>) =>
      (await createWorker(env, WARM_TASK_QUEUE, activities)).runUntil(work),
    signal: (load: unknown) => signalEtlLoad(env.client, load as Parameters<typeof signalEtlLoad>[1]),
    run: (runId: string, pipeline?: string) => readEtlRun(env.client, { runId, pipeline }),
    /** Skips time until a condition is true. */
    skipUntil: (condition: string, isTrue: (state: EtlLoadsState) => boolean) =>
      until(condition, async () => {
        await env.sleep('1 second');
        return isTrue(await state());
      }),
    start: (input?: EtlLoadsInput) =>
      env.client.workflow.start<typeof etlLoads>('etlLoads', {
        workflowId: ETL_LOADS_ID,
        taskQueue: WARM_TASK_QUEUE,
        args: input === undefined ? [] : [input],
      }),
  };
}

export const warmEnded = ({ lastWarm, waiting }: EtlLoadsState) =>
  waiting.loads === 0 && lastWarm?.endedAt != null;
export const served = (count: number) => (now: EtlLoadsState) => now.taken === count && warmEnded(now);

/** The failure of a part, or undefined for success. */
type OutcomeOf = (part: WarmPart) => Promise<{ error: string } | undefined>;

/** Activities whose part warmers report an outcome immediately. */
function recordWarms(
  env: () => TestWorkflowEnvironment,
  outcomeOf: OutcomeOf = () => Promise.resolve(undefined),
) {
  /** The requests of each warm, by its workflow id. */
  const warms = new Map<string, PartRequest[]>();
  const activities: Partial<WarmActivities> = {
    checkSourceSchema: () => Promise.resolve({ renamed: [], mismatched: [] }),
    dropOutdated: () => Promise.resolve(0),
    getRedisMemory: () => Promise.resolve({ keys: 1, usedBytes: 1, maxBytes: 0, policy: 'allkeys-lru' }),
    signalPartWarmer: async ({ part, request: { replyTo, runId, scope, trigger } }: SignalPartWarmerArgs) => {
      expect(trigger).toBe('etl');
      warms.set(replyTo, [...(warms.get(replyTo) ?? []), { part, scope }]);
      const failure = await outcomeOf(part);
      const outcome = { part, runId, ...(failure ?? { report: reportOf(part) }) };
      await env().client.workflow.getHandle(replyTo, runId).signal(partWarmedSignal, outcome);
    },
  };
  return { activities, warms: () => [...warms.values()], parts: () => partsOf([...warms.values()]) };
}

const partsOf = (warms: readonly (readonly PartRequest[])[]) =>
  warms.map((requests) => requests.map(({ part }) => part).sort());
