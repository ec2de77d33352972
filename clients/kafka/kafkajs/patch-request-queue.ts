import { createRequire } from 'node:module';

// Fault:       the request queue of kafkajs 2.2.4 checks for pending requests every 1 ms, also when it has none.
// Consequence: each connection runs 1,000 timers per second; the connections of one worker used a fifth of a core.
// Patch:       schedule a check only while a request waits or the broker throttles the connection. A finished request
//              checks the queue anyway.
// Upstream:    https://github.com/tulios/kafkajs/issues/1556 and /1704 (open).
// See docs/decisions/0006-kafkajs.md.

/** The parts of kafkajs's request queue that the patch reads. Each connection has one queue. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
  prototype: { scheduleCheckPendingRequests: (this: RequestQueue) => void };
};
const scheduleCheck = prototype.scheduleCheckPendingRequests;
let patched = false;

/** Stops the endless 1 ms timer of idle connections. Applies to all clients of the process; calling it again does nothing. */
export function patchRequestQueue(): void {
  if (patched) return;
  patched = true;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) scheduleCheck.call(this);
  };
}
