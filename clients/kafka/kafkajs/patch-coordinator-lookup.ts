import { createRequire } from 'node:module';

// Fault:       kafkajs 2.2.4 looks up the coordinator of a group or a transactional id before each request to it.
// Consequence: a transaction takes nine requests, one after the other, instead of five.
// Patch:       keep each coordinator for 2 s.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The group or transactional id whose coordinator is wanted. */
interface CoordinatorQuery {
  /** A group id or, for the transaction coordinator, a transactional id. */
  readonly groupId: string;
  readonly coordinatorType: number;
}
interface CachedLookup {
  readonly startedAt: number;
  readonly metadata: Promise<unknown>;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/cluster') as {
  prototype: { findGroupCoordinatorMetadata: (this: object, query: CoordinatorQuery) => Promise<unknown> };
};
const findCoordinator = prototype.findGroupCoordinatorMetadata;
const lookupsByCluster = new WeakMap<object, Map<string, CachedLookup>>();
let patched = false;

/**
 * After a coordinator moved, requests to the old broker fail for at most this long; kafkajs retries them for longer.
 * Batches follow each other faster than this, so they share one lookup.
 */
const LOOKUP_TTL_MS = 2000;

/** Caches coordinator lookups. Applies to all clients of the process; calling it again does nothing. */
export function patchCoordinatorLookup(): void {
  if (patched) return;
  patched = true;
  prototype.findGroupCoordinatorMetadata = function (this: object, query: CoordinatorQuery) {
    const lookups = lookupsByCluster.get(this) ?? new Map<string, CachedLookup>();
    lookupsByCluster.set(this, lookups);
    const key = `${query.coordinatorType}/${query.groupId}`;
    const cached = lookups.get(key);
    if (cached !== undefined && performance.now() - cached.startedAt < LOOKUP_TTL_MS) return cached.metadata;
    const metadata = findCoordinator.call(this, query);
    lookups.set(key, { startedAt: performance.now(), metadata });
    metadata.catch(() => lookups.delete(key));
    return metadata;
  };
}
