import { Cluster, Redis, type ChainableCommander } from 'ioredis';
import { redisNodes } from '../domain/values/redis-nodes.ts';

/** A connection to one Redis, or to all nodes of a cluster; every module that talks to Redis takes one. */
export type RedisClient = Redis | Cluster;

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

/** A node of a cluster that is away is tried again this often, elsewhere too; redirections count as tries. */
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

/** Jitter keeps a fleet from knocking all at once on a Redis that comes back. */
const retryDelayMs = (attempt: number): number =>
  Math.min(50 * 2 ** Math.min(attempt, 5), 2000) * (0.5 + Math.random() / 2);

/**
 * RESP2 on purpose: ioredis 6 loses digits and invalidations under RESP3 (packages.md, 2 A and F). A connection that says
 * nothing for 5 s though it was asked may be dead without anybody saying so, and is made anew; by itself, the system takes up to
 * 15 minutes to notice.
 */
const common = { protocol: 2, lazyConnect: true, connectTimeout: 2000, socketTimeout: 5000 } as const;

/**
 * Connects lazily-failing: the promise resolves when Redis is ready, or after `waitSeconds` without it (it goes on
 * trying in the background), so that a process can start before its Redis.
 * @param url as REDIS_URL has it: of one Redis, or of several nodes of a cluster
 */
export async function connectRedis(
  url: string,
  use: RedisUse,
  { onError, waitSeconds = 5 }: { onError: (error: Error) => void; waitSeconds?: number },
): Promise<RedisClient> {
  const nodes = redisNodes(url);
  const redis = nodes.length === 1 ? createSingle(url, use) : createCluster(nodes, use);
  redis.on('error', onError);
  redis.on('node error', onError); // of a cluster only
  const ready = new Promise<void>((resolve) => redis.once('ready', resolve)).then(() =>
    redis instanceof Cluster ? openNodes(redis) : reportLoneNode(redis, onError),
  );
  redis.connect().catch(() => {}); // reported by 'error'; it goes on trying
  await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, waitSeconds * 1000).unref())]);
  return redis;
}

const createSingle = (url: string, use: RedisUse): Redis =>
  new Redis(url, {
    ...common,
    ...limits[use],
    retryStrategy: retryDelayMs,
    // A replica that was a master until the failover: reconnect finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });

/** Nodes redirect what is not theirs any more, so that nothing has to be done about replicas that were masters. */
function createCluster(nodes: readonly string[], use: RedisUse): Cluster {
  const { commandTimeout, enableOfflineQueue } = limits[use];
  const [first = ''] = nodes;
  const { protocol, username, password } = new URL(first);
  // Nodes that the cluster names itself are entered like those of the URL.
  const entry = {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: {} } : {}),
  };
  return new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue,
    ...clusterLimits[use],
    clusterRetryStrategy: retryDelayMs,
    // Certificates are made out to names, not to the addresses behind them.
    ...(protocol === 'rediss:' ? { dnsLookup: (name, found) => found(null, name) } : {}),
    redisOptions: { ...common, ...entry, commandTimeout },
  });
}

/** ioredis opens the connection to a node of a cluster at its first command, and may refuse others meanwhile. */
async function openNodes(redis: Cluster): Promise<void> {
  await Promise.allSettled(redis.nodes('master').map((node) => node.ping()));
}

/** Keys of other nodes would each fail with MOVED, which does not say what to do. */
async function reportLoneNode(redis: Redis, onError: (error: Error) => void): Promise<void> {
  const info = await redis.info('cluster').catch(() => ''); // some may not ask
  if (!/^cluster_enabled:1/m.test(info)) return;
  onError(
    new RedisUnavailableError(
      'REDIS_URL names one node of a Redis Cluster, which has only a part of the keys: name several of its nodes, separated by commas',
    ),
  );
}

/**
 * A pipeline; on a cluster, for keys of one node only (cache/redis/cluster-pipeline.ts).
 * @throws RedisUnavailableError where `serve` must not wait: other than single commands, ioredis's pipelines do until the cluster
 * has been reached for the first time
 */
export function createPipeline(redis: RedisClient): ChainableCommander {
  if (redis instanceof Cluster && redis.options.enableOfflineQueue === false && redis.status !== 'ready')
    throw new RedisUnavailableError(`the Redis cluster is not connected (${redis.status})`);
  return redis.pipeline();
}

/** Lets pending commands finish, then closes. */
export async function closeRedis(redis: RedisClient): Promise<void> {
  try {
    await redis.quit();
  } catch {
    redis.disconnect();
  }
}
