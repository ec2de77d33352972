import { Context } from '@temporalio/activity';

/**
 * Heartbeat timeouts are 10 s. One heartbeat a second survives lost ones, and delivers a cancellation soon, because it arrives
 * with the response to a heartbeat. The SDK throttles heartbeats by default, so workers set `HEARTBEAT_THROTTLE`.
 */
const BEAT_MS = 1000;
export const HEARTBEAT_THROTTLE = '1 second';

/**
 * Sends heartbeats while `work` runs, so that Temporal notices a dead worker and can deliver a cancellation.
 * @param details progress to show; read at each heartbeat
 */
export async function withHeartbeat<T>(
  work: (signal: AbortSignal) => Promise<T>,
  details: () => unknown = () => undefined,
): Promise<T> {
  const context = Context.current();
  // A local activity needs no heartbeat: it lives as long as its workflow task.
  if (context.info.isLocal) return work(context.cancellationSignal);
  const timer = setInterval(() => context.heartbeat(details()), BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    // An error that the cancellation caused must reach Temporal as cancellation, not as failure.
    context.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
