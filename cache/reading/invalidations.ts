import { Cluster, type Redis } from 'ioredis';
import { createSubscriber, type RedisClient } from '../../clients/redis.ts';
import { knownMasters } from '../redis/master-nodes.ts';
import { LEASE_PREFIX } from './leases.ts';
import type { LocalTier } from './local-tier.ts';

/**
 * How Redis reports changes. `default`: once for each key that this process has read, so Redis remembers these keys.
 * `broadcast`: for every change of a key of the cache, so Redis remembers nothing and sends more.
 */
type TrackingMode = 'default' | 'broadcast';

export interface InvalidationOptions {
  readonly mode: TrackingMode;
  /** Called when a node refuses to report changes, or its connection fails. */
  readonly onProblem: (error: unknown) => void;
}

/** The channel on which a RESP2 connection receives the reports of client-side caching. */
const CHANNEL = '__redis__:invalidate';
/** The prefixes of all values that clients read, and of leases. */
const KEY_PREFIXES = ['kol:', 'content:', 'stats:', 'search:', LEASE_PREFIX];
/** Interval of pings, so that a silently broken connection is noticed within a few seconds. */
const WATCHDOG_MS = 1000;
/** Delay before a node that refuses tracking, or is lost, is tried again. */
const RETRY_MS = 1000;
/** The tier is cleared this long after a connection was lost, if a node answers. */
const GRACE_MS = 50;

/** Keeps a local tier consistent: drops each value that changes in Redis. */
export interface Invalidations {
  readonly close: () => void;
}

/**
 * Subscribes to changes of the keys that are read over `tracked`, and drops them from the tier (client-side caching, with a redirect to a
 * second connection; docs/decisions/0013-local-tier.md). On a cluster, each node reports its own keys.
 * @param tracked a client for this purpose only: Redis reports each key that is read over it
 */
export function followInvalidations(
  tracked: RedisClient,
  tier: LocalTier,
  options: InvalidationOptions,
): Invalidations {
  const trackers = new Map<Redis, NodeTracker>();
  const losses = createLosses(tier, () => [...trackers.values()].flatMap(({ connections }) => connections));
  const add = (node: Redis) => {
    tier.dropReads();
    trackers.set(node, trackNode(node, tier, losses, options));
  };
  const remove = (node: Redis) => {
    trackers.get(node)?.close();
    trackers.delete(node);
  };
  const removeLost = (node: Redis) => {
    remove(node);
    // The client forgets a node whose connection ends. A redirected command or this refresh finds it again.
    setTimeout(() => tracked instanceof Cluster && tracked.refreshSlotsCache(), RETRY_MS).unref();
  };
  if (tracked instanceof Cluster) {
    // also replicas: if one becomes a master, it is tracked from its first read
    tracked.nodes().forEach(add);
    tracked.on('+node', add).on('-node', removeLost);
  } else add(tracked);
  tier.follow({
    redis: tracked,
    // A master without a connection answers no read. When it gets one, or loses it, the reads in flight are dropped.
    isTracked: () => {
      const masters = knownMasters(tracked).filter(({ status }) => status === 'ready');
      return masters.length > 0 && masters.every((node) => trackers.get(node)?.isTracked());
    },
  });
  return {
    close() {
      tracked.off('+node', add).off('-node', removeLost);
      [...trackers.keys()].forEach(remove);
      losses.clearTier();
    },
  };
}

/** Clears the tier after Redis has stopped reporting changes of keys that the tier may hold. */
interface Losses {
  /** Clears the tier soon. */
  readonly note: () => void;
  /** Clears the tier now. Earlier losses need no further clear. */
  readonly clearTier: () => void;
}

/**
 * Clears the tier after a loss when a node answers. While no node answers, no key can change, and the tier keeps its values.
 * @param connections the connections to all nodes
 */
function createLosses(tier: LocalTier, connections: () => readonly Redis[]): Losses {
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;
  const checkIn = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void check(), ms).unref();
  };
  // a hanging node still has a ready connection
  const isAnyNodeAlive = () =>
    Promise.any(
      connections()
        .filter(({ status }) => status === 'ready')
        .map((connection) => connection.ping()),
    ).then(
      () => true,
      () => false,
    );
  async function check(): Promise<void> {
    const isAlive = await isAnyNodeAlive();
    if (!isDue) return;
    if (isAlive) clearTier();
    else checkIn(RETRY_MS);
  }
  function clearTier(): void {
    isDue = false;
    clearTimeout(timer);
    tier.clear();
  }
  return {
    clearTier,
    note() {
      isDue = true;
      checkIn(GRACE_MS);
    },
  };
}

interface NodeTracker {
  readonly isTracked: () => boolean;
  /** The connection for reads, and the one that receives reports. */
  readonly connections: readonly Redis[];
  readonly close: () => void;
}

/** Tracks the keys that are read over one connection. */
function trackNode(
  node: Redis,
  tier: LocalTier,
  losses: Losses,
  { mode, onProblem }: InvalidationOptions,
): NodeTracker {
  const subscriber = createSubscriber(node);
  let isTracked = false;
  let isClosed = false;
  const { report, reset } = reportFirst((error) => isClosed || onProblem(error));
  /** Set while the subscriber is connected. */
  let target: Target | undefined;
  let retry: NodeJS.Timeout | undefined;
  /** Incremented with each change of a connection, so that the result of an outdated set-up is ignored. */
  let attempt = 0;

  /**
   * Sets up tracking when both connections are ready. If either connection ends, Redis drops the tracking. If they lead to different
   * servers, because the server behind the address has changed, the older connection reconnects.
   */
  async function track(): Promise<void> {
    const own = (attempt += 1);
    clearTimeout(retry);
    if (isClosed || node.status !== 'ready' || subscriber.status !== 'ready') return;
    try {
      const older = target === undefined ? node : subscriber;
      target ??= await targetOf(subscriber);
      await subscriber.subscribe(CHANNEL);
      const isSameServer = (await serverOf(node)) === target.server;
      if (isSameServer) await startTracking(node, target, mode);
      if (own !== attempt) return;
      if (!isSameServer) return older.disconnect(RECONNECT);
      losses.clearTier();
      isTracked = true;
      reset();
    } catch (error) {
      if (own !== attempt) return;
      report(error);
      retry = setTimeout(() => subscriber.disconnect(RECONNECT), RETRY_MS).unref();
    }
  }

  function onLost(): void {
    attempt += 1;
    // A node that is down is retried. Only the first loss can leave values in the tier without reports.
    if (isTracked) losses.note();
    isTracked = false;
    tier.dropReads();
  }

  const onReady = () => void track();
  subscriber
    .on('error', report)
    .on('ready', onReady)
    .on('close', () => {
      target = undefined;
      onLost();
    })
    .on('messageBuffer', dropChanged(tier));
  node.on('ready', onReady).on('close', onLost);
  // without an answer the client closes the connection and reconnects
  const watchdog = setInterval(() => void subscriber.ping().catch(() => {}), WATCHDOG_MS).unref();
  subscriber.connect().catch(() => {}); // the 'error' event reports it, and the subscriber keeps trying
  if (node.status === 'wait') node.connect().catch(() => {});

  return {
    isTracked: () => isTracked,
    connections: [node, subscriber],
    close() {
      isClosed = true;
      onLost();
      clearInterval(watchdog);
      clearTimeout(retry);
      node.off('ready', onReady).off('close', onLost);
      subscriber.disconnect();
    },
  };
}

const RECONNECT = true;

/** A connection that receives reports. */
interface Target {
  /** The client id of the connection. Ids are unique only within one server. */
  readonly id: number;
  readonly server: string;
}

/** A RESP2 connection accepts this command only before it subscribes. */
async function targetOf(subscriber: Redis): Promise<Target> {
  const [id, server] = await Promise.all([subscriber.client('ID'), serverOf(subscriber)]);
  return { id, server };
}

/** Identifies the server of a connection. @throws Error when the server does not report its id: then it may be any server */
async function serverOf(connection: Redis): Promise<string> {
  const id = /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1];
  if (id === undefined) throw new Error('INFO of Redis has no run_id');
  return id;
}

/** Turns on tracking of the keys that are read over a connection. */
async function startTracking(node: Redis, target: Target, mode: TrackingMode): Promise<void> {
  await node.client('TRACKING', 'OFF'); // in BCAST mode Redis refuses to set the same prefixes twice
  await node.client('TRACKING', 'ON', 'REDIRECT', target.id, ...broadcastOptions[mode]);
}

/** Reports only the first problem until it is reset. */
function reportFirst(onProblem: (error: unknown) => void) {
  let isReported = false;
  return {
    report: (error: unknown): void => {
      if (!isReported) onProblem(error);
      isReported = true;
    },
    reset: () => void (isReported = false),
  };
}

/** Handles a report: the changed keys, or null for all keys, for example after FLUSHALL. */
const dropChanged = (tier: LocalTier) => (_channel: Buffer, keys: readonly Buffer[] | null) => {
  if (keys === null) tier.clear();
  else for (const key of keys) tier.invalidate(key.toString());
};

const broadcastOptions: Readonly<Record<TrackingMode, readonly string[]>> = {
  default: [],
  broadcast: ['BCAST', ...KEY_PREFIXES.flatMap((prefix) => ['PREFIX', prefix])],
};
