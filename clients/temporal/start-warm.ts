import { randomUUID } from 'node:crypto';
import {
  ApplicationFailure,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import type { WarmPart, WarmTrigger } from '../../domain/warming/warm-parts.ts';
import { isWarmId, manualWarmId, WARM_TASK_QUEUE } from '../../contract/workflow-ids.ts';
import {
  WARM_INCOMPLETE,
  type warmCache,
  type WarmCacheArgs,
  type WarmReport,
} from '../../workflows/warming/warm-cache.ts';

/** A warm as those who asked for it see it. */
export interface WarmStatus {
  readonly workflowId: string;
  readonly runId: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly trigger: WarmTrigger | null;
  readonly parts: readonly WarmPart[];
  readonly requestedBy: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Of a failed warm: of the parts that did not fail, where there are any. */
  readonly report: WarmReport | null;
  readonly error: string | null;
}

/** What is asked of a warm by hand, and by whom. */
export type ManualWarm = Omit<WarmCacheArgs, 'trigger'> & { readonly requestedBy: string };

/**
 * Starts a warm by hand, and does not wait for it.
 * @throws ServiceError when Temporal did not take it
 */
export async function startWarm(
  temporal: Client,
  args: ManualWarm,
): Promise<{ readonly workflowId: string; readonly runId: string }> {
  const parts = args.parts ?? Object.keys(args.scopes ?? {});
  const what = parts.length === 0 ? 'the whole cache' : parts.join(', ');
  const run = await temporal.workflow.start<typeof warmCache>('warmCache', {
    workflowId: manualWarmId(`${new Date().toISOString().replaceAll(':', '-')}-${randomUUID().slice(0, 8)}`),
    taskQueue: WARM_TASK_QUEUE,
    args: [{ ...args, trigger: 'manual' }],
    staticSummary: `Warm of ${what} by hand`,
  });
  return { workflowId: run.workflowId, runId: run.firstExecutionRunId };
}

/**
 * A warm by its workflow id, whatever started it; null when there is none (any more).
 * @throws ServiceError
 */
export async function readWarm(temporal: Client, workflowId: string): Promise<WarmStatus | null> {
  if (!isWarmId(workflowId)) return null;
  const handle = temporal.workflow.getHandle<typeof warmCache>(workflowId);
  const description = await describe(handle);
  if (description === null || description.type !== 'warmCache') return null;
  const { runId, status, startTime, closeTime, memo } = description;
  const { trigger, parts, requestedBy } = (memo ?? {}) as Partial<WarmReport & { parts: WarmPart[] }>;
  const running = status.name === 'RUNNING';
  return {
    workflowId,
    runId,
    trigger: trigger ?? null,
    parts: parts ?? [],
    requestedBy: requestedBy ?? null,
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
    ...(running
      ? { state: 'running', report: null, error: null }
      : await resultOf(temporal.workflow.getHandle<typeof warmCache>(workflowId, runId))),
  };
}

type WarmHandle = WorkflowHandle<typeof warmCache>;

async function describe(handle: WarmHandle) {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** How a warm ended. */
async function resultOf(handle: WarmHandle): Promise<Pick<WarmStatus, 'state' | 'report' | 'error'>> {
  try {
    return { state: 'done', report: await handle.result(), error: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const failure: Error = error.cause ?? error;
    const incomplete = failure instanceof ApplicationFailure && failure.type === WARM_INCOMPLETE;
    return {
      state: 'failed',
      report: incomplete ? (failure.details?.[0] as WarmReport) : null,
      error: failure.cause instanceof Error ? failure.cause.message : failure.message,
    };
  }
}
