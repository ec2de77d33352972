import { createRequire } from 'node:module';

/** The parts of kafkajs's request queue, one of which each connection has, that are needed here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: { scheduleCheckPendingRequests: (this: RequestQueue) => void };
};
const schedule = prototype.scheduleCheckPendingRequests;
let quiet = false;

/**
 * Ends the endless 1 ms timer of kafkajs 2.2.4 (its issues 1556 and 1704): each connection asks a thousand times a second whether
 * it may send what is not there; a worker's connections took a fifth of a core so. A check is due only where something waits
 * or the broker throttled us. A finished request checks the queue anyway.
 */
export function patchRequestQueue(): void {
  if (quiet) return;
  quiet = true;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
}
