import type { Cluster, Redis } from 'ioredis';

// See docs/decisions/0007-ioredis.md.

interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The parts of a cluster client that are not in its types. */
interface ClusterParts {
  readonly connectionPool: {
    findOrCreate(node: NodeAddress): Redis;
    getInstanceByKey(key: string): Redis | undefined;
    reset(nodes: readonly NodeAddress[]): void;
  };
  natMapper(address: string): NodeAddress;
}

const REDIRECTION = /^(MOVED|ASK) \d+ (\S+:\d+)$/;
/** A redirected command waits at most this long for the connection to the other node. */
const CONNECT_MS = 200;
/** A node to which no command was redirected for this time is forgotten, if it has no slots. */
const KEPT_MS = 10_000;

const keyOf = ({ host, port }: NodeAddress): string => `${host}:${port}`;

/**
 * Follows redirections to a node that the client does not know yet, such as a new node that gets its first slot.
 * - A command waits for the connection to that node. ioredis fails it meanwhile, and repeats it on any node, which redirects it again.
 * - The connection stays while the slot moves. ioredis closes it at each refresh of the slots, because the node has none.
 */
export function followRedirections(cluster: Cluster): void {
  const parts = cluster as unknown as ClusterParts;
  const { connectionPool } = parts;
  const asked = new Map<string, { readonly node: NodeAddress; readonly until: number }>();

  const reset = connectionPool.reset.bind(connectionPool);
  connectionPool.reset = (nodes) => {
    if (nodes.length === 0) return reset(nodes); // the client closes
    for (const [key, { until }] of asked) if (until < performance.now()) asked.delete(key);
    const known = new Set(nodes.map(keyOf));
    const kept = [...asked].filter(([key]) => !known.has(key) && connectionPool.getInstanceByKey(key));
    reset([...nodes, ...kept.map(([, { node }]) => ({ ...node }))]);
  };

  const handleError = cluster.handleError.bind(cluster);
  cluster.handleError = (error, ttl, handlers) => {
    const [, kind, address] = REDIRECTION.exec(error.message) ?? [];
    if (address === undefined) return handleError(error, ttl, handlers);
    const node = parts.natMapper(address);
    if (kind === 'ASK') asked.set(keyOf(node), { node, until: performance.now() + KEPT_MS });
    void untilConnected(connectionPool.findOrCreate(node)).then(() => handleError(error, ttl, handlers));
  };
}

const connecting = new WeakMap<Redis, Promise<void>>();

/** Resolves when the connection is ready, has failed, or takes too long. The first command opens a lazy connection. */
function untilConnected(node: Redis): Promise<void> {
  if (node.status === 'ready' || node.status === 'wait') return Promise.resolve();
  const waiting = connecting.get(node) ?? settled(node).finally(() => connecting.delete(node));
  connecting.set(node, waiting);
  return waiting;
}

const settled = (node: Redis): Promise<void> =>
  new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      node.off('ready', end).off('end', end);
      resolve();
    };
    const timer = setTimeout(end, CONNECT_MS);
    node.on('ready', end).on('end', end);
  });
