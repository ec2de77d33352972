import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from '../../clients/redis.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { luaScript, runScriptEach } from '../redis/run-commands.ts';
import { siblingKey } from '../redis/sibling-key.ts';
import type { LocalTier } from './local-tier.ts';

/** Work for a key that one process does, and whose result the others find. */
interface SharedWork<R> {
  /** What another process has written; undefined while it has written nothing. */
  readonly look: () => Promise<R | undefined>;
  readonly work: () => Promise<R>;
  /** The result of work that finds nothing, so that there is nothing to write. */
  readonly nothing: R;
  readonly isNothing: (result: R) => boolean;
  /** Aborts when nobody needs the result: then another process can take the lease at once. */
  readonly signal: AbortSignal;
}

/** Lets one process at a time work on a key. The others wait, and get what it has written. Rejects with the reason of an aborted signal. */
export type Leases = <R>(key: string, work: SharedWork<R>) => Promise<R>;

/** A process that is killed holds up the others of this key for this time. One that works renews its lease. */
const LEASE_MS = 3000;
const RENEW_EVERY_MS = 1000;
/** How long the others can read that nothing was found. */
const NOTHING_MS = 2000;
/**
 * How often a process looks that Redis does not wake: at first soon, beside the 200 ms that a query takes, then less often. All readers of a
 * key in a process wait together, but a process can wait for hundreds of keys.
 */
const FIRST_LOOK_MS = 25;
const MAX_LOOK_MS = 250;

/**
 * Takes the lease unless another process has it. A key of another type, without a TTL or with a longer one is no lease.
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
 * KEYS: the lease. ARGV: token of the process, milliseconds for which nothing was found (0: something was)
 */
const END = luaScript(`
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], 'nothing', 'PX', ARGV[2])
return 1`);

type Turn = 'taken' | 'busy' | 'nothing';

interface LeaseDependencies {
  readonly redis: RedisClient;
  /** Wakes a process that waits when Redis reports a change of the value or its lease. Without it, or without reports, a timer does. */
  readonly localTier?: Pick<LocalTier, 'watch'> | undefined;
  /** Receives what Redis failed with. */
  readonly onProblem: (key: string, error: unknown) => void;
  /** How long a process waits for a report before it looks all the same. */
  readonly watchMs?: number;
}

/** Leases in Redis. They save queries and decide nothing: without an answer of Redis each process works on its own. */
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

  /** Works if no other process does. @returns undefined when one does, and has written nothing yet */
  async function takeTurn<R>(
    key: string,
    { look, work, nothing, isNothing, signal }: SharedWork<R>,
    connection: RedisClient | undefined,
  ): Promise<{ readonly result: R } | undefined> {
    const token = randomUUID();
    const turn = (await run<Turn>(key, TAKE, [token, LEASE_MS], connection)) ?? 'taken';
    if (turn === 'nothing') return { result: nothing };
    // Another process may have written since the caller looked.
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
      // Before the turn, which reads lease and value: a change that comes between the reads and the wait wakes too.
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

/** Waits until the signal aborts, at most so long. */
const untilAborted = (signal: AbortSignal, ms: number): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => {});

/** In the slot of the key, so that both can be read from one node. */
export const leaseKey = (key: string): string => `${LEASE_PREFIX}${siblingKey(key, 'fill')}`;
export const LEASE_PREFIX = 'cache:lock:';

export const isLease = (key: string): boolean => key.startsWith(LEASE_PREFIX);
