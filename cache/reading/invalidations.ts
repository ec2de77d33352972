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
/** All keys of values that clients read begin with one of these, and the leases of those that are read from the lakehouse. */
const KEY_PREFIXES = ['kol:', 'content:', 'stats:', 'search:', LEASE_PREFIX];
/** A connection that silently died is noticed within a few seconds. */
const WATCHDOG_MS = 1000;
/** A node that refuses to track, or is lost, is tried again after this time. */
const RETRY_MS = 1000;
/** The tier is emptied this long after a connection was lost, if a node answers. */
const GRACE_MS = 50;

/** Keeps a local tier right: drops each value that changes in Redis. */
export interface Invalidations {
  readonly close: () => void;
}

/**
 * Lets Redis report changes of the keys that are read over `tracked`, and drops them from the tier (client-side caching, with
 * a redirect to a second connection; docs/decisions/0013-local-tier.md). On a cluster, each node reports its own keys.
 * @param tracked a client that nothing else uses: Redis reports each key that is read over it
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
    // The client forgets a node whose connection ends, and finds it again by a redirected command or this refresh.
    setTimeout(() => tracked instanceof Cluster && tracked.refreshSlotsCache(), RETRY_MS).unref();
  };
  if (tracked instanceof Cluster) {
    // Replicas too: one that becomes a master is then tracked from its first read on.
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

/** What happens when Redis stops to report changes of keys that the tier may hold. */
interface Losses {
  /** Empties the tier soon. */
  readonly note: () => void;
  /** Empties the tier now, which makes up for all losses before it. */
  readonly clearTier: () => void;
}

/**
 * Empties the tier after a loss when a node answers. While none does, nobody can change a key, and the tier keeps its values.
 * @param connections those to all nodes
 */
function createLosses(tier: LocalTier, connections: () => readonly Redis[]): Losses {
  let isDue = false;
  let timer: NodeJS.Timeout | undefined;
  const checkIn = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => void check(), ms).unref();
  };
  // A hung node has a connection that is still ready.
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
  /** The connection that is read, and the one that receives reports. */
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
  /** Known from when the subscriber is connected until it is lost. */
  let target: Target | undefined;
  let retry: NodeJS.Timeout | undefined;
  /** Rises with each change of a connection, so that a slow set-up on an earlier one does not count. */
  let attempt = 0;

  /**
   * Sets tracking up when both connections are ready. Redis forgets it with either of them. If they lead to different servers, because
   * the server behind the address has changed, the older one connects again.
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
    // A node that is down is tried again and again. Only the first loss can leave values in the tier that nobody reports.
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
  // An answer that does not come closes the connection, which then reconnects.
  const watchdog = setInterval(() => void subscriber.ping().catch(() => {}), WATCHDOG_MS).unref();
  subscriber.connect().catch(() => {}); // 'error' reports it, and the subscriber keeps trying
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
  /** Of the connection, on its server: another server can give it to any other connection. */
  readonly id: number;
  readonly server: string;
}

/** A RESP2 connection can be asked only before it subscribes. */
async function targetOf(subscriber: Redis): Promise<Target> {
  const [id, server] = await Promise.all([subscriber.client('ID'), serverOf(subscriber)]);
  return { id, server };
}

/** Identifies the server that a connection leads to. @throws Error when the server does not tell it: then it may be any server */
async function serverOf(connection: Redis): Promise<string> {
  const id = /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1];
  if (id === undefined) throw new Error('INFO of Redis has no run_id');
  return id;
}

/** Lets Redis report the changes of the keys that are read over a connection. */
async function startTracking(node: Redis, target: Target, mode: TrackingMode): Promise<void> {
  await node.client('TRACKING', 'OFF'); // BCAST refuses to set the same prefixes again
  await node.client('TRACKING', 'ON', 'REDIRECT', target.id, ...broadcastOptions[mode]);
}

/** Reports the first problem until it is reset, not each of its repeats. */
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

/** Redis reports the keys that changed, or null for all of them, such as after FLUSHALL. */
const dropChanged = (tier: LocalTier) => (_channel: Buffer, keys: readonly Buffer[] | null) => {
  if (keys === null) tier.clear();
  else for (const key of keys) tier.invalidate(key.toString());
};

const broadcastOptions: Readonly<Record<TrackingMode, readonly string[]>> = {
  default: [],
  broadcast: ['BCAST', ...KEY_PREFIXES.flatMap((prefix) => ['PREFIX', prefix])],
};
