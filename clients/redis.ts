import { Redis } from 'ioredis';

/** A connection to Redis; every module that talks to Redis takes one. */
export type RedisClient = Redis;

/** Redis did not take or answer a command. */
export class RedisUnavailableError extends Error {
  readonly code = 'REDIS_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisUnavailableError';
  }
}

/**
 * Who waits for the answer decides how long a command may wait for a Redis that is away:
 * `serve` fails at once, since a client waits and Trino can answer; `work` gives a short failover time to pass,
 * then lets Temporal retry the activity.
 */
export type RedisUse = 'serve' | 'work';

const limits = {
  serve: { maxRetriesPerRequest: 0, commandTimeout: 500, enableOfflineQueue: false },
  work: { maxRetriesPerRequest: 3, commandTimeout: 10_000, enableOfflineQueue: true },
} as const;

/**
 * Connects lazily-failing: the promise resolves when Redis is ready, or after `waitSeconds` without it (it goes on
 * trying in the background), so that a process can start before its Redis.
 * RESP2 on purpose: ioredis 6 loses digits and invalidations under RESP3 (packages.md, 2 A and F).
 */
export async function connectRedis(
  url: string,
  use: RedisUse,
  { onError, waitSeconds = 5 }: { onError: (error: Error) => void; waitSeconds?: number },
): Promise<RedisClient> {
  const redis = new Redis(url, {
    protocol: 2,
    lazyConnect: true,
    connectTimeout: 2000,
    ...limits[use],
    // Jitter keeps a fleet from knocking all at once on a Redis that comes back.
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 2000) * (0.5 + Math.random() / 2),
    // A replica that was a master until the failover: reconnect finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  redis.on('error', onError);
  const ready = new Promise<void>((resolve) => redis.once('ready', resolve));
  redis.connect().catch(() => {}); // reported by 'error'; retryStrategy goes on
  await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000).unref())]);
  return redis;
}

/** Lets pending commands finish, then closes. */
export async function closeRedis(redis: RedisClient): Promise<void> {
  try {
    await redis.quit();
  } catch {
    redis.disconnect();
  }
}
