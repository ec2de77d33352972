import { setTimeout as sleep } from 'node:timers/promises';
import { WithStartWorkflowOperation, WorkflowIdConflictPolicy, type Client } from '@temporalio/client';
import { configureLoopUpdate } from '../../contract/messages.ts';
import {
  LOOP_VERSION,
  loopOptions,
  parseScoringLoopInput,
  type LoopChange,
  type ScoringLoopInput,
} from '../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { INPUT_TOPICS, type EventKind } from '../../domain/scoring/topics.ts';
import { describeWorkflow } from './describe-workflow.ts';

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 30_000;

/**
 * If a workflow task fails more often than this, no worker can complete it, for example because workers of two versions have written the
 * history. A killed worker costs one attempt.
 */
const MAX_TASK_ATTEMPTS = 5;
/** The history of a loop whose first workflow task is not done: its start, and a task that was scheduled, started and failed. */
const UNBEGUN_EVENTS = 4;
/** A loop answers within a minute, unless its workflow task fails. The next attempt detects that. */
const ANSWER_MS = 90_000;

interface StartOptions {
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** Called after each failure. The next attempt follows. */
  readonly onError: (error: unknown, topic: string) => void;
}

/**
 * Starts the missing scoring loop of each input topic, and applies a change to the running loops. The loops never end. A worker of the
 * scoring queue must already be running. Failures are retried, so that scoring starts as soon as possible, and topics do not wait for each
 * other.
 */
export async function startScoringLoops(
  temporal: Client,
  change: LoopChange,
  { signal, onError }: StartOptions,
): Promise<void> {
  await Promise.all(
    INPUT_TOPICS.map(async ({ topic, kind }) => {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
        try {
          return await startOrConfigure(temporal, topic, kind, change);
        } catch (error) {
          if (!signal.aborted) onError(error, topic);
          await sleep(pauseMs, undefined, { signal }).catch(() => {});
        }
      }
    }),
  );
}

async function startOrConfigure(
  temporal: Client,
  topic: string,
  kind: EventKind,
  change: LoopChange,
): Promise<void> {
  await replaceLoops(temporal, topic, kind);
  await temporal.withDeadline(Date.now() + ANSWER_MS, () =>
    temporal.workflow.executeUpdateWithStart(configureLoopUpdate, {
      args: [change],
      startWorkflowOperation: new WithStartWorkflowOperation<Workflows['scoringLoop']>('scoringLoop', {
        ...loopOptions({ topic, kind }),
        taskQueue: SCORING_TASK_QUEUE,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      }),
    }),
  );
}

/**
 * Replaces the loops of a topic (all shards) that this version cannot continue: an older version has started them, or their workflow task
 * fails repeatedly. Each new loop keeps the group, the settings and the pause. Its positions are in Kafka; those of a paused loop are also
 * in the memo, because Kafka deletes them eventually.
 */
async function replaceLoops(temporal: Client, topic: string, kind: EventKind): Promise<void> {
  for (let shard = 0; ; shard += 1) {
    const loop = await describeWorkflow(temporal, scoringLoopId(topic, shard));
    if (loop === null) return;
    const memo: { version?: number; input?: ScoringLoopInput } = loop.memo ?? {};
    const { version = 1, input } = memo;
    // An operator has started it, with input that only its history has. This worker will begin it.
    if (memo.version === undefined && loop.historyLength <= UNBEGUN_EVENTS) continue;
    const attempts = loop.raw.pendingWorkflowTask?.attempt ?? 0;
    // Not for loops of a newer version: their tasks fail only on workers of this version.
    const isOurs = version < LOOP_VERSION || (version === LOOP_VERSION && attempts > MAX_TASK_ATTEMPTS);
    if (loop.status.name !== 'RUNNING' || !isOurs) continue;
    const isValid = input !== undefined && 'value' in parseScoringLoopInput(input);
    // terminate and start in one step, so that nothing is lost if this worker dies
    await temporal.workflow.start<Workflows['scoringLoop']>('scoringLoop', {
      ...loopOptions(isValid ? input : { topic, kind, shard }),
      taskQueue: SCORING_TASK_QUEUE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.TERMINATE_EXISTING,
    });
  }
}
