import { Cluster, Redis } from 'ioredis';
import { redisNodes } from '../domain/values/redis-nodes.ts';
import { followRedirections } from './cluster-redirections.ts';
import { patchIoredis } from './patch-ioredis.ts';

/** A connection to one Redis, or to all nodes of a Redis Cluster. */
export type RedisClient = Redis | Cluster;

/** Redis cannot be used: it is not connected, or REDIS_URL does not match it. */
export class RedisUnavailableError extends Error {
  readonly code = 'REDIS_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RedisUnavailableError';
  }
}

/**
 * How long a command waits for a Redis that is down. `serve`: not at all, since an API client waits and Trino can answer
 * instead. `work`: as long as a short failover takes; after that Temporal retries the activity.
 */
export type RedisUse = 'serve' | 'work';

const commandLimits = {
  serve: { maxRetriesPerRequest: 0, commandTimeout: 500, enableOfflineQueue: false },
  work: { maxRetriesPerRequest: 3, commandTimeout: 10_000, enableOfflineQueue: true },
} as const;

/** How often a command is retried on the nodes of a cluster, and after how many ms. Redirections count as retries. */
const clusterLimits = {
  serve: {
    maxRedirections: 4,
    retryDelayOnFailover: 50,
    retryDelayOnClusterDown: 50,
    retryDelayOnTryAgain: 50,
  },
  work: {
    maxRedirections: 16,
    retryDelayOnFailover: 200,
    retryDelayOnClusterDown: 200,
    retryDelayOnTryAgain: 200,
  },
} as const;

/** Exponential backoff with jitter, so that many processes do not reconnect at the same moment. */
const retryDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 5), 2000) * (0.5 + Math.random() / 2);

/**
 * RESP2, because ioredis 6 loses digits and invalidations with RESP3 (docs/decisions/0007-ioredis.md). A connection without a
 * reply for 5 s may be dead and is replaced; the operating system takes up to 15 minutes to notice.
 */
const commonOptions = { protocol: 2, lazyConnect: true, connectTimeout: 2000, socketTimeout: 5000 } as const;

/**
 * Connects to Redis. The promise resolves when Redis is ready, or after `waitSeconds` without it, so that a process can start
 * before its Redis; the client keeps trying in the background.
 * @param url REDIS_URL: one Redis, or several nodes of a cluster
 * @param onError receives connection errors
 */
export async function connectRedis(
  url: string,
  use: RedisUse,
  { onError, waitSeconds = 5 }: { onError: (error: Error) => void; waitSeconds?: number },
): Promise<RedisClient> {
  patchIoredis();
  const nodes = redisNodes(url);
  const redis = nodes.length === 1 ? createSingle(url, use) : createCluster(nodes, use);
  redis.on('error', onError);
  redis.on('node error', onError); // only a cluster emits it
  const ready = new Promise<void>((resolve) => redis.once('ready', resolve)).then(() =>
    redis instanceof Cluster ? connectNodes(redis) : reportSingleClusterNode(redis, onError),
  );
  redis.connect().catch(() => {}); // the 'error' event reports it, and the client keeps trying
  await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000).unref())]);
  return redis;
}

const createSingle = (url: string, use: RedisUse): Redis =>
  new Redis(url, {
    ...commonOptions,
    ...commandLimits[use],
    retryStrategy: retryDelayMs,
    // After a failover the old master is a replica: a reconnect finds the new master.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });

/** Needs no `reconnectOnError`: after a failover the nodes of a cluster redirect commands to the new master. */
function createCluster(nodes: readonly string[], use: RedisUse): Cluster {
  const { commandTimeout, enableOfflineQueue } = commandLimits[use];
  const [first = ''] = nodes;
  const { protocol, username, password } = new URL(first);
  // announced nodes of the cluster also need the credentials and TLS of the URL
  const nodeOptions = {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
  const cluster = new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue,
    ...clusterLimits[use],
    clusterRetryStrategy: retryDelayMs,
    // TLS certificates name hosts, not addresses, so do not resolve the names here.
    ...(protocol === 'rediss:' ? { dnsLookup: (name, callback) => callback(null, name) } : {}),
    redisOptions: { ...commonOptions, ...nodeOptions, commandTimeout },
  });
  followRedirections(cluster);
  return cluster;
}

/** Sends a command to each node: ioredis connects to a cluster node on its first command, and may reject other commands until then. */
async function connectNodes(redis: Cluster): Promise<void> {
  await Promise.allSettled(redis.nodes('master').map((node) => node.ping()));
}

/** Reports that REDIS_URL names one node of a cluster. Keys of other nodes fail with MOVED, which does not say what to do. */
async function reportSingleClusterNode(redis: Redis, onError: (error: Error) => void): Promise<void> {
  const info = await redis.info('cluster').catch(() => ''); // the user may lack the permission
  if (!/^cluster_enabled:1/m.test(info)) return;
  onError(
    new RedisUnavailableError(
      'REDIS_URL names one node of a Redis Cluster, which has only a part of the keys: name several of its nodes, separated by commas',
    ),
  );
}

/**
 * Creates a connection to the same node that only receives messages, and keeps reconnecting. It is not connected yet. After each
 * reconnect the caller has to subscribe again.
 */
export function createSubscriber(node: Redis): Redis {
  return node.duplicate({
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    readOnly: false,
    autoResubscribe: false,
    retryStrategy: retryDelayMs,
    maxRetriesPerRequest: 0,
    commandTimeout: commandLimits.serve.commandTimeout,
    socketTimeout: SUBSCRIBER_SILENCE_MS,
  });
}

/** A subscriber whose PING is not answered in this time is replaced. */
const SUBSCRIBER_SILENCE_MS = 2000;

/** Waits for pending commands, then closes the connection. */
export async function closeRedis(redis: RedisClient): Promise<void> {
  try {
    await redis.quit();
  } catch {
    redis.disconnect();
  }
}

/** The node of this key is the clock of a cluster, because the clocks of nodes differ. */
const CLOCK_KEY = 'cache:metadata';

/** The time of Redis in microseconds since 1970: one clock for all processes. */
export async function readRedisTime(redis: RedisClient): Promise<number> {
  const [seconds, micros] = (await redis.eval("return redis.call('TIME')", 1, CLOCK_KEY)) as [string, string];
  return Number(seconds) * 1_000_000 + Number(micros);
}

/** Converts a time of Redis to `cached_at`: ISO 8601, in milliseconds. */
export const cachedAtOf = (redisTime: number): string => new Date(Math.floor(redisTime / 1000)).toISOString();
