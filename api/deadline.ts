import type { Response } from 'express';
import { LazyAbort } from '../domain/values/lazy-abort.ts';
import { Problem } from './problem.ts';

const RETRY_AFTER_SECONDS = 5;

/** The abort reason when the client has left. No client sees it. */
const CLIENT_LEFT = new Error('The client has closed the connection before it had an answer');

/**
 * Waits for the work of a request until its deadline, or until its client disconnects. Then the signal of the work aborts: this cancels
 * work that no other request needs. Other work, such as an erasure, continues; its answer is dropped, and a failure is logged.
 * @throws Problem at the deadline
 */
export async function whileWanted(
  response: Response,
  seconds: number,
  work: (client: Pick<LazyAbort, 'signal'>) => void | Promise<void>,
): Promise<void> {
  const client = new LazyAbort();
  let end: (reason: Error) => void = () => {};
  let working: Promise<void> | undefined;
  const ended = new Promise<never>((_, reject) => {
    end = (reason) => {
      reject(reason);
      client.abort(reason);
      working?.catch((error: unknown) => logUnseen(response, error, reason));
    };
  });
  const timer = setTimeout(() => end(deadlineExceeded(seconds)), seconds * 1000);
  const onClose = () => end(CLIENT_LEFT);
  response.once('close', onClose);
  try {
    working = Promise.resolve(work(client));
    await Promise.race([working, ended]);
  } catch (error) {
    if (error !== CLIENT_LEFT) throw error;
  } finally {
    clearTimeout(timer);
    response.off('close', onClose);
  }
}

/** Logs a failure of work whose request has already ended. An error caused by the abort itself is not logged. */
function logUnseen({ req }: Response, error: unknown, reason: Error): void {
  const isTooLate = error instanceof Error && 'code' in error && error.code === 'ERR_HTTP_HEADERS_SENT';
  if (error === reason || error instanceof Problem || isTooLate) return;
  req.log.warn({ error }, 'the work of a request failed after the request had ended');
}

const deadlineExceeded = (seconds: number): Problem =>
  new Problem('deadline-exceeded', `There is no answer within ${seconds} s; try again soon`, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
