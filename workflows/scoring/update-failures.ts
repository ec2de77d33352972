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

/** Waits for several pieces of work, by name: one that fails does not hide the others. */
export async function settle<Name>(work: ReadonlyMap<Name, Promise<unknown>>) {
  const results = await Promise.allSettled(work.values());
  const failed: { readonly name: Name; readonly error: unknown }[] = [];
  const done: Name[] = [];
  for (const [index, name] of [...work.keys()].entries()) {
    const result = results[index];
    if (result?.status === 'rejected') failed.push({ name, error: result.reason });
    else done.push(name);
  }
  return { failed, done };
}

/**
 * Waits for what each loop makes of an update.
 * @throws the error of a single loop; for several loops, the result of each
 */
export async function answerOfAll(loops: ReadonlyMap<string, Promise<unknown>>): Promise<void> {
  const { failed, done } = await settle(loops);
  const [first] = failed;
  if (first === undefined) return;
  if (loops.size === 1 || failed.some(({ error }) => isCancellation(error))) failWithReason(first.error);
  const reasons = failed.map(({ name, error }) => `${name}: ${reasonOf(error)}`);
  throw updateFailure([...reasons, ...done.map((id) => `${id}: done`)].join('; '));
}
