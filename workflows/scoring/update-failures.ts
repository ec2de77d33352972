import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { failureTypes } from '../../contract/failure-types.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { innermostMessage } from '../innermost-message.ts';

/** Why an update failed, for the operator who sent it. */
export const reasonOf = (error: unknown): string =>
  error instanceof ActivityFailure && error.cause instanceof TimeoutFailure && !error.cause.cause
    ? `no answer in time (${error.cause.message}): is Kafka reachable, and does a worker serve ${SCORING_TASK_QUEUE}?`
    : innermostMessage(error);

export const updateFailure = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, failureTypes.updateFailed);

/** Fails an update; the loop continues. @throws the error itself when it is no failure of an activity */
export function failWithReason(error: unknown, reason = reasonOf(error)): never {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  throw updateFailure(reason);
}

/**
 * Waits for what each loop makes of an update: one that fails does not hide the others.
 * @throws the error of the only loop; of several, what became of each
 */
export async function answerOfAll(loops: ReadonlyMap<string, Promise<unknown>>): Promise<void> {
  const ids = [...loops.keys()];
  const results = await Promise.allSettled(loops.values());
  const failed = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ id: ids[index], error: result.reason as unknown }] : [],
  );
  const [first] = failed;
  if (first === undefined) return;
  if (loops.size === 1 || failed.some(({ error }) => isCancellation(error))) failWithReason(first.error);
  const done = ids.filter((id) => failed.every((other) => other.id !== id));
  const reasons = failed.map(({ id, error }) => `${id}: ${reasonOf(error)}`);
  throw updateFailure([...reasons, ...done.map((id) => `${id}: done`)].join('; '));
}
