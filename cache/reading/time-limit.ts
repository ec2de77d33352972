import { abortable } from '../../domain/values/abortable.ts';

/** Work took longer than a reader waits for it. */
export class TimeLimitError extends Error {
  readonly code = 'TIME_LIMIT';
  constructor(seconds: number) {
    super(`no answer within ${seconds} s`);
    this.name = 'TimeLimitError';
  }
}

/**
 * Waits for work, but not longer than a time. Its signal aborts then, and when the signal of the caller does.
 * @param timeIsUp the error and the reason of the signal when the time is over
 * @throws that error, the reason of the caller's signal, or what the work throws
 */
export async function withTimeLimit<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  caller?: AbortSignal,
  timeIsUp: () => Error = () => new TimeLimitError(seconds),
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(timeIsUp()), seconds * 1000);
  try {
    return await abortable([caller, limit.signal], ({ signal }) => work(signal));
  } finally {
    clearTimeout(timer);
  }
}
