import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from '../../clients/redis.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { siblingKey } from '../redis/sibling-key.ts';
import type { LocalTier } from './local-tier.ts';

/** Work for a key that one process does for all. */
interface SharedWork<R> {
  /** Reads the result of another process; undefined while there is none. */
  readonly look: () => Promise<R | undefined>;
  readonly work: () => Promise<R>;
  /** The result when the source has no value, so that nothing is written. */
  readonly nothing: R;
  readonly isNothing: (result: R) => boolean;
  /** Aborts when no caller needs the result. Then another process can take the lease immediately. */
  readonly signal: AbortSignal;
}

/**
 * Runs the work for a key in one process at a time. The other processes wait and get its result. Rejects with the reason of an aborted
 * signal.
 */
export type Leases = <R>(key: string, work: SharedWork<R>) => Promise<R>;

/** TTL of a lease. A working process renews it. If a process is killed, the others wait this long. */
const LEASE_MS = 3000;
const RENEW_EVERY_MS = 1000;
/** How long a lease stores that nothing was found. */
const NOTHING_MS = 2000;
/**
 * Polling interval of a waiting process that gets no reports from Redis. It is short at first (a query takes 200 ms) and then grows,
 * because a process can wait for hundreds of keys. All readers of a key in a process share one wait.
 */
const FIRST_LOOK_MS = 25;
const MAX_LOOK_MS = 250;

/**
 * Takes the lease unless another process has it. A key of another type, without a TTL or with a longer TTL is not a lease.
 * KEYS: the lease. ARGV: token of the process, milliseconds
 */
const TAKE = luaScript(`
local held = redis.pcall('GET', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
if type(held) == 'string' and ttl >= 0 and ttl <= tonumber(ARGV[2]) then return held == 'nothing' and held or 'busy' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'taken'`);

/**
 * Extends a lease, unless it has expired and another process has it.
 * KEYS: the lease. ARGV: token of the process, milliseconds
 */
const RENEW = luaScript(`
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`);

/**
 * Ends a lease, unless it has expired and another process has it.
 * KEYS: the lease. ARGV: token of the process, how long to store that nothing was found, in ms (0 if a value was found)
 */
const END = luaScript(`
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], 'nothing', 'PX', ARGV[2])
return 1`);

type Turn = 'taken' | 'busy' | 'nothing';

interface LeaseDependencies {
  readonly redis: RedisClient;
  /** Wakes a waiting process when Redis reports a change of the value or its lease. Without reports a timer wakes it. */
  readonly localTier?: Pick<LocalTier, 'watch'> | undefined;
  /** Receives errors of Redis. */
  readonly onProblem: (key: string, error: unknown) => void;
  /** The maximum time between two looks of a process that gets reports. */
  readonly watchMs?: number;
}

/** Leases in Redis. They only save queries; if Redis does not answer, each process works on its own. */
export function createLeases({
  redis,
  localTier,
  onProblem,
  watchMs = MAX_LOOK_MS,
}: LeaseDependencies): Leases {
  async function run<Reply>(
    key: string,
    script: typeof TAKE,
    args: readonly (string | number)[],
    connection = redis,
  ) {
    try {
      const [reply] = await runScriptEach<Reply>(connection, script, [{ keys: [leaseKey(key)], args }]);
      return reply;
    } catch (error) {
      onProblem(key, error);
      return undefined;
    }
  }

  async function whileRenewing<R>(key: string, token: string, work: () => Promise<R>): Promise<R> {
    const renewal = setInterval(() => void run(key, RENEW, [token, LEASE_MS]), RENEW_EVERY_MS);
    try {
      return await work();
    } finally {
      clearInterval(renewal);
    }
  }

  /** Does the work if no other process does it. @returns undefined while another process works */
  async function takeTurn<R>(
    key: string,
    { look, work, nothing, isNothing, signal }: SharedWork<R>,
    connection: RedisClient | undefined,
  ): Promise<{ readonly result: R } | undefined> {
    const token = randomUUID();
    const turn = (await run<Turn>(key, TAKE, [token, LEASE_MS], connection)) ?? 'taken';
    if (turn === 'nothing') return { result: nothing };
    // another process may have written since the caller looked
    const written = await look();
    let foundNothing = false;
    try {
      if (written !== undefined) return { result: written };
      if (turn === 'busy') return undefined;
      const result = await whileRenewing(key, token, () => abortable([signal], work));
      foundNothing = isNothing(result);
      return { result };
    } finally {
      if (turn === 'taken') await run(key, END, [token, foundNothing ? NOTHING_MS : 0]);
    }
  }

  return async (key, shared) => {
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(1.5 * pauseMs, MAX_LOOK_MS)) {
      shared.signal.throwIfAborted();
      // Start to watch before lease and value are read, so that a change between the reads and the wait is not missed.
      const watch = localTier?.watch([key, leaseKey(key)]);
      try {
        const turn = await takeTurn(key, shared, watch?.redis);
        if (turn !== undefined) return turn.result;
        await (watch === undefined ? sleep(pauseMs) : untilAborted(watch.changed, watchMs));
      } finally {
        watch?.end();
      }
    }
  };
}

/** Waits until the signal aborts, or until the time is over. */
const untilAborted = (signal: AbortSignal, ms: number): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {});

/** The lease of a key. It is in the slot of the key, so that one node has both. */
export const leaseKey = (key: string): string => `${LEASE_PREFIX}${siblingKey(key, 'fill')}`;
export const LEASE_PREFIX = 'cache:lock:';

export const isLease = (key: string): boolean => key.startsWith(LEASE_PREFIX);
