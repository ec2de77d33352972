import { Context } from '@temporalio/activity';

/**
 * Heartbeat timeouts are 10 s, so a few lost heartbeats do no harm. A cancellation arrives with the response to a heartbeat, so it takes
 * about a second. The SDK throttles heartbeats by default, so workers set `HEARTBEAT_THROTTLE`.
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
  const timer = setInterval(() => context.heartbeat(details()), BEAT_MS);
  try {
    return await work(context.cancellationSignal);
  } catch (error) {
    // Temporal must see a cancellation, not the error that the cancellation caused.
    context.cancellationSignal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
