import {
  ApplicationFailure,
  WorkflowFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { failureTypes } from '../../contract/failure-types.ts';
import type { WarmReport } from '../../contract/warm-cache.ts';
import { isWarmId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import type { WarmTrigger } from '../../domain/warming/warm-options.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { describeWorkflow } from './describe-workflow.ts';

/** State of a warm, for the client that requested it. */
export interface WarmStatus {
  readonly workflowId: string;
  readonly runId: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly trigger: WarmTrigger | null;
  readonly parts: readonly WarmPart[];
  readonly requestedBy: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** For a failed warm: the report of the parts that did not fail, if any. */
  readonly report: WarmReport | null;
  readonly error: string | null;
}

type WarmHandle = WorkflowHandle<Workflows['warmCache']>;

/**
 * A warm by its workflow id, with any trigger; null if it does not exist, or is older than the retention of Temporal.
 * @throws ServiceError
 */
export async function readWarm(temporal: Client, workflowId: string): Promise<WarmStatus | null> {
  if (!isWarmId(workflowId)) return null;
  const description = await describeWorkflow(temporal, workflowId);
  if (description === null || description.type !== 'warmCache') return null;
  const { runId, status, startTime, closeTime, memo } = description;
  const { trigger, parts, requestedBy } = (memo ?? {}) as Partial<WarmReport & { parts: WarmPart[] }>;
  const isRunning = status.name === 'RUNNING';
  return {
    workflowId,
    runId,
    trigger: trigger ?? null,
    parts: parts ?? [],
    requestedBy: requestedBy ?? null,
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
    ...(isRunning
      ? { state: 'running', report: null, error: null }
      : await readResult(temporal.workflow.getHandle(workflowId, runId))),
  };
}

async function readResult(handle: WarmHandle): Promise<Pick<WarmStatus, 'state' | 'report' | 'error'>> {
  try {
    return { state: 'done', report: await handle.result(), error: null };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { state: 'failed', report: reportOfFailure(error.cause), error: reasonOfFailure(error) };
  }
}

/** The message for a failed warm; if an activity failed, the message of the activity. */
export function reasonOfFailure(error: WorkflowFailedError): string {
  const failure: Error = error.cause ?? error;
  return (failure.cause as Error | undefined)?.message ?? failure.message;
}

/** The report of the parts that did not fail, from the failure of a warm; null when the failure has none. */
export function reportOfFailure(failure: unknown): WarmReport | null {
  const isIncomplete = failure instanceof ApplicationFailure && failure.type === failureTypes.warmIncomplete;
  return isIncomplete ? (failure.details?.[0] as WarmReport) : null;
}
