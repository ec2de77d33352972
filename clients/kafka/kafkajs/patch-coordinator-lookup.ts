import { createRequire } from 'node:module';

/** Who coordinates a group or a transactional id. */
interface Coordinator {
  readonly groupId: string;
  readonly coordinatorType: number;
}
interface Found {
  readonly at: number;
  readonly metadata: Promise<unknown>;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/cluster') as {
  prototype: { findGroupCoordinatorMetadata: (this: object, who: Coordinator) => Promise<unknown> };
};
const find = prototype.findGroupCoordinatorMetadata;
const found = new WeakMap<object, Map<string, Found>>();
let kept = false;

/**
 * A coordinator that moved is found after this long: requests to the old one fail, and are tried again for longer. Batches come
 * more often.
 */
const KEPT_MS = 2000;

/**
 * Lets kafkajs 2.2.4 keep who coordinates a group or a transactional id. It asks before each request to a coordinator, which
 * makes nine requests, one after the other, of the five that a transaction takes.
 */
export function patchCoordinatorLookup(): void {
  if (kept) return;
  kept = true;
  prototype.findGroupCoordinatorMetadata = function (this: object, who: Coordinator) {
    const known = found.get(this) ?? new Map<string, Found>();
    found.set(this, known);
    const key = `${who.coordinatorType}/${who.groupId}`;
    const held = known.get(key);
    if (held !== undefined && performance.now() - held.at < KEPT_MS) return held.metadata;
    const metadata = find.call(this, who);
    known.set(key, { at: performance.now(), metadata });
    metadata.catch(() => known.delete(key));
    return metadata;
  };
}
