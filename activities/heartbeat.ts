import { Context } from '@temporalio/activity';

/**
 * Heartbeat timeouts are 10 s: a beat a second survives lost ones, and a cancellation, which comes with the reply to a
 * beat, arrives soon. Workers must not throttle beats to less (`HEARTBEAT_THROTTLE`), as the SDK does by default.
 */
const BEAT_MS = 1000;
export const HEARTBEAT_THROTTLE = '1 second';

/**
 * Heartbeats while `work` runs, so that a dead worker is noticed and a cancellation arrives.
 * @param details what to show as progress, read at each beat
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal) => Promise<T>,
  details: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  // A local activity runs within its workflow task, which lives as long as it does.
  if (context.info.isLocal) return work(context.cancellationSignal);
  const timer = setInterval(() => context.heartbeat(details()), BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    // Whatever broke because of it: to Temporal the activity was cancelled, it did not fail.
    context.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
