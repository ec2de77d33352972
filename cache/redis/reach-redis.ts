/** Redis does not answer a request that only Redis can serve. */
export class CacheUnavailableError extends Error {
  readonly code = 'CACHE_UNAVAILABLE';
  constructor(options: ErrorOptions) {
    super('Redis does not answer', options);
    this.name = 'CacheUnavailableError';
  }
}

/**
 * Runs work that only Redis can serve.
 * @param failure the error to throw when Redis does not answer
 * @throws the error of `failure`; its cause has the reason, for the log
 */
export async function reachRedis<T>(
  work: () => Promise<T>,
  failure: (cause: unknown) => Error = (cause) => new CacheUnavailableError({ cause }),
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(error);
  }
}
