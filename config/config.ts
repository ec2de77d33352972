import { z } from 'zod';
import { MAX_BATCH_OFFSETS } from '../contract/scoring-loop.ts';
import { TASK_QUEUES } from '../contract/task-queues.ts';
import { profileList } from '../domain/entities/profile-list.ts';
import { ranking } from '../domain/entities/ranking.ts';
import { trending } from '../domain/entities/trending.ts';
import {
  address,
  commaSeparated,
  count,
  hostAndPort,
  hostName,
  identifier,
  number,
  origin,
  redisUrl,
  seconds,
  trustedProxies,
  whole,
} from './kinds.ts';

/** The environment does not hold a usable configuration. The message names every variable that is wrong. */
export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID';
  constructor(readonly problems: readonly string[]) {
    super(`Configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Every setting of the system: variable, type, default and meaning. docs/configuration.md is generated from it.
 * No other code reads the environment.
 */
export const environmentSchema = z.object({
  REDIS_URL: redisUrl.describe(
    'Redis 7, e.g. redis://127.0.0.1:16379. For a Redis Cluster: several of its nodes, separated by commas (if it has one address only, write that twice)',
  ),
  KAFKA_BROKERS: commaSeparated(hostAndPort).describe(
    'Kafka or Redpanda bootstrap servers, host:port separated by commas',
  ),
  TRINO_URL: address('a user or password (they go into TRINO_USER and TRINO_PASSWORD)').describe(
    'Trino coordinator',
  ),
  TRINO_CATALOG: identifier.default('iceberg').describe('Trino catalog of the Silver tables'),
  TRINO_SCHEMA: identifier.default('kol_silver').describe('Trino schema of the Silver tables'),
  TRINO_USER: z.string().min(1).default('kol-cache').describe('Trino user that runs the queries'),
  TRINO_PASSWORD: z.string().optional().describe('Password of that user, if Trino requires one'),
  TRINO_QUERY_TIMEOUT_SECONDS: seconds(120).describe('A query of a warm is cancelled after this time'),
  ML_API_URL: address().describe('Base address of the ML API (trust scores)'),
  ML_API_TIMEOUT_SECONDS: seconds(5).describe('Timeout of one ML API call'),
  ML_API_CONCURRENCY: count(32).describe('ML API calls in flight at the same time, for each worker'),
  TEMPORAL_ADDRESS: hostAndPort.describe('Temporal frontend, host:port'),
  WORKER_TASK_QUEUES: commaSeparated(z.enum(TASK_QUEUES))
    .default([...TASK_QUEUES])
    .describe(
      'Task queues that a worker process serves. Workers for warming and for scoring can be scaled separately',
    ),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace'),
  TEMPORAL_UI_URL: address()
    .optional()
    .describe('Address of the Temporal UI for operators. It is displayed, never called'),
  API_PORT: whole(0, 65_535).default(18000).describe('Port the REST API listens on'),
  API_HOST: hostName
    .optional()
    .describe('Address the REST API listens on, such as 127.0.0.1. Without it: all addresses of the machine'),
  API_URL: address().optional().describe('Public address of the REST API. It is displayed, never called'),
  API_TOKEN: z
    .string()
    .min(16)
    .regex(/^[\x21-\x7e]+$/, 'must be ASCII characters without white space')
    .optional()
    .describe(
      'Bearer token of the calls that start warms, report ETL loads, show or change the cache, or show searches of users (16 characters or more). Without it these calls are off',
    ),
  API_TRINO_QUERIES: count(8).describe(
    'Concurrent Trino queries of an API process. 16 more wait; beyond that, an uncached read is a 503',
  ),
  // The server closes a silent connection after 75 s.
  API_DEADLINE_SECONDS: seconds(12, 60).describe(
    'A request without an answer after this time gets a 504. The lakehouse has two thirds of it',
  ),
  API_DRAIN_SECONDS: number(0, 300)
    .default(5)
    .describe(
      'After SIGTERM the API answers requests for this time, with 503 on /readyz, so that load balancers leave it',
    ),
  API_RATE_LIMIT: whole(0)
    .default(0)
    .describe(
      'Requests per minute that the API accepts from one client address, over all its processes. 0 means no limit. Behind a proxy set API_TRUST_PROXY too, otherwise all clients have the address of the proxy',
    ),
  API_L1_MEGABYTES: number(0, 4096)
    .default(64)
    .describe(
      'Memory of an API process for values and answers that it serves without Redis (L1), in MB. Redis reports their changes. 0 turns L1 off',
    ),
  API_L1_TTL_SECONDS: seconds(10).describe(
    'A value stays in L1 at most this long. It bounds how old an answer can be while Redis cannot report changes',
  ),
  API_STALE_SECONDS: number(0, 600)
    .default(60)
    .describe(
      'An expired value is served from L1 for at most this much longer (s), while it is read again or the lakehouse fails. 0 turns that off',
    ),
  API_L1_MODE: z
    .enum(['default', 'broadcast'])
    .default('default')
    .describe(
      'Changes that Redis reports to L1. default: of the keys that the process has read, which Redis must remember. broadcast: of all keys of the cache, so Redis remembers nothing but sends more',
    ),
  API_TRUST_PROXY: trustedProxies
    .default(0)
    .describe(
      'Trusted proxies, whose X-Forwarded-For is used: their number, or their addresses (IPv4, IPv6, with /bits for a network; loopback, linklocal, uniquelocal), separated by commas',
    ),
  API_CORS_ORIGINS: commaSeparated(origin)
    .default([])
    .describe('Origins whose web pages may call the API from a browser, separated by commas, or *'),
  // Profiles live an hour without a grace, and a warm of all of them may take 24 minutes (domain/warming/write-rate.ts).
  WARM_EVERY_MINUTES: whole(1, 30)
    .default(15)
    .describe(
      'Period of the scheduled warm. At most 15 minutes and WARM_GRACE_SECONDS together: rankings, trending content and lists expire then',
    ),
  WARM_GRACE_SECONDS: whole(0, 3600)
    .default(120)
    .describe(
      'Seconds that a set written by a warm lives beyond its TTL, so that readers find no gap when the next warm is late',
    ),
  WARM_REFUSED_RENEWAL_SECONDS: whole(0, 604_800)
    .default(86_400)
    .describe(
      'When a warm refuses a read, because a table shrank or cannot be read, it renews the cached keys while the last good warm is at most this old (s). 0 lets them expire',
    ),
  WARM_PROFILES: whole(1)
    .optional()
    .describe(
      'Number of hot profiles that are kept warm. Without it: as many as fit into WARM_PROFILES_MEMORY_PERCENT',
    ),
  WARM_PROFILES_MEMORY_PERCENT: number(1, 90)
    .default(25)
    .describe('Share of the maxmemory of Redis for hot profiles, in percent'),
  WARM_TRINO_QUERIES: whole(2)
    .default(4)
    .describe(
      'Trino queries of warms at the same time on each worker. One less is the limit for the splits of a warm of all profiles, over all workers',
    ),
  WARM_WRITES_PER_SECOND: whole(0)
    .default(0)
    .describe('Limit of profiles that a warm writes to Redis per second, over all workers. 0 means no limit'),
  WARM_MAX_SHRINK_PERCENT: number(0, 100)
    .default(50)
    .describe(
      'A table or set that lost more than this since the last warm, in percent, is not replaced (unless --allow-shrink is given)',
    ),
  WARM_SETTLE_SECONDS: number(0)
    .default(10)
    .describe(
      'A Hive table is read when its newest file is at least this old (s), because a younger file may belong to a running load. A load may pause between two files for at most this long',
    ),
  WARM_LIST_SIZE: count(1000).describe('Profiles in each list kol:profiles:list:{platform}'),
  WARM_RANKING_LIMITS: commaSeparated(whole(1, 1000))
    .default([100, 50])
    .describe('Sizes of the rankings that are kept, separated by commas'),
  SCORING_GROUP: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'must be 1-100 characters of A-Z a-z 0-9 . _ -')
    .default('kol-scoring')
    .describe('Kafka consumer group whose committed offsets are the position of the scoring loops'),
  SCORING_TRIGGER: z
    .union([z.literal('available'), number(0.1, 3600)], {
      error: 'must be a number from 0.1 to 3600, or available',
    })
    .optional()
    .describe(
      'Seconds between two micro-batches of a partition, or available. When set, each start of a worker sets it in the loops. Default of a loop: 10',
    ),
  SCORING_MAX_OFFSETS: whole(1, MAX_BATCH_OFFSETS)
    .optional()
    .describe(
      'Maximum number of offsets in a micro-batch; set in the loops in the same way. Default of a loop: 1000',
    ),
  SCORING_LATE_EVENTS: z
    .enum(['score', 'drop'])
    .optional()
    .describe(
      'Whether events behind the watermark are scored and marked as late (score), or only counted (drop); set in the loops in the same way. Default of a loop: score',
    ),
  SCORING_SLOTS: count(256).describe(
    'Partitions that a worker process works at the same time. All workers together need at least as many as there are partitions',
  ),
  SCORING_ENRICH_DEADLINE_MS: count(400).describe(
    'Maximum time in milliseconds that a batch waits for features from Trino',
  ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Log level'),
});

export type Config = Readonly<z.infer<typeof environmentSchema>>;

/**
 * Checks an environment against the schema.
 * @param environment variables by name; empty strings count as unset, because compose files write unset variables so
 * @param names the variables that the program needs; by default all
 * @throws ConfigError that lists every missing or wrong variable, without values: they may be secrets
 */
export function loadConfig<Name extends keyof Config = keyof Config>(
  environment: NodeJS.ProcessEnv = process.env,
  names: readonly Name[] = Object.keys(environmentSchema.shape) as Name[],
): Pick<Config, Name> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const needed = Object.fromEntries(names.map((name) => [name, environmentSchema.shape[name]]));
  const schema = z.object(needed).superRefine(refuseGap) as unknown as z.ZodType<Pick<Config, Name>>;
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const about = environmentSchema.shape[name as keyof typeof environmentSchema.shape]?.description ?? '';
      const problem = set[name] === undefined ? 'is not set' : `is not valid: ${issue.message}`;
      return `${name} ${problem} (${about})`;
    }),
  );
}

/** Sets that expire before the next warm would be missing for the rest of each period. */
function refuseGap(
  { WARM_EVERY_MINUTES: minutes = 0, WARM_GRACE_SECONDS: grace = Infinity }: Partial<Config>,
  context: z.RefinementCtx,
): void {
  const ttlSeconds = Math.min(ranking.ttlSeconds, trending.ttlSeconds, profileList.ttlSeconds);
  const missing = minutes * 60 - ttlSeconds - grace;
  if (missing <= 0) return;
  const message = `rankings, trending content and lists would be missing for ${missing} s before each warm: raise WARM_GRACE_SECONDS by as much`;
  context.addIssue({ code: 'custom', path: ['WARM_EVERY_MINUTES'], message });
}

/** The configuration of a program. If it is not valid, prints what is wrong and ends the process. */
export function loadConfigOrExit(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
