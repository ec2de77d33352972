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
 * Waits for work with a time limit. The signal of the work aborts at the limit, or when the signal of the caller aborts.
 * @throws TimeLimitError, the reason of the caller's signal, or what the work throws
 */
export async function withTimeLimit<T>(
  seconds: number,
  work: (signal: AbortSignal) => Promise<T>,
  caller?: AbortSignal,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new TimeLimitError(seconds)), seconds * 1000);
  try {
    return await abortable([caller, limit.signal], ({ signal }) => work(signal));
  } finally {
    clearTimeout(timer);
  }
}
