import { ApplicationFailure } from '@temporalio/activity';
import { failureTypes } from '../../contract/failure-types.ts';

/**
 * Turns an error of Redis that an operator must act on into an ApplicationFailure that says what to do. Returns any other error unchanged.
 * RedisFull is not retried: waiting does not free memory. RedisReadOnly is retried: a failover may be in progress.
 */
export function translateRedisError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // When Redis refuses a command of a transaction, the reason is in the errors of its commands.
  const message = [error.message, ...previousErrors(error)].join('; ');
  if (/\bOOM\b/.test(message))
    return ApplicationFailure.create({
      type: failureTypes.redisFull,
      nonRetryable: true,
      message: `Redis is full and evicts nothing, so the warm stopped. The cache keeps what it has. Raise maxmemory, keep fewer profiles warm, or set maxmemory-policy to allkeys-lru (${error.message})`,
      cause: error,
    });
  if (/\bREADONLY\b/.test(message))
    return ApplicationFailure.create({
      type: failureTypes.redisReadOnly,
      message: `Redis is a read-only replica. After a failover the client finds the new master by itself. Otherwise check REDIS_URL (${error.message})`,
      cause: error,
    });
  return error;
}

/** ioredis lists the errors of a transaction's commands here. */
const previousErrors = (error: Error): string[] =>
  ((error as { previousErrors?: Error[] }).previousErrors ?? []).map(({ message }) => message);
