import { ApplicationFailure } from '@temporalio/activity';

/** Failure type of a Redis that is full and evicts nothing: waiting does not make room. */
export const REDIS_FULL = 'RedisFull';
/** Failure type of a Redis that is a replica now: a failover may be on its way. */
export const REDIS_READ_ONLY = 'RedisReadOnly';

/** What an error of Redis means to an operator; any other error stays what it is. */
export function translateRedisError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // A transaction is refused as a whole when one of its commands was.
  const message = [error.message, ...previousErrors(error)].join('; ');
  if (/\bOOM\b/.test(message))
    return ApplicationFailure.create({
      type: REDIS_FULL,
      nonRetryable: true,
      message: `Redis is full and evicts nothing, so the warm stopped; what is cached stays. Raise maxmemory, keep fewer profiles warm, or set maxmemory-policy to allkeys-lru (${error.message})`,
      cause: error,
    });
  if (/\bREADONLY\b/.test(message))
    return ApplicationFailure.create({
      type: REDIS_READ_ONLY,
      message: `Redis is a read-only replica. After a failover the client finds the new master by itself; otherwise check REDIS_URL (${error.message})`,
      cause: error,
    });
  return error;
}

const previousErrors = (error: Error): string[] =>
  ((error as { previousErrors?: Error[] }).previousErrors ?? []).map(({ message }) => message);
