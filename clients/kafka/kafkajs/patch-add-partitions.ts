import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

// Fault:       a coordinator refuses partitions while the marker of the last transaction is not written yet
//              (CONCURRENT_TRANSACTIONS). kafkajs 2.2.4 then tries the complete send again, and reads the metadata again.
// Consequence: with several brokers the try may already have sent records to some of them; `exact-sender.ts` refuses to send
//              those again. Transactions that follow each other closely would often fail.
// Patch:       repeat only this request, which carries no records, as Kafka's Java client does.
// Upstream:    no issue known.
// See docs/decisions/0006-kafkajs.md.

const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as {
  prototype: { addPartitionsToTxn: (this: object, request: object) => Promise<unknown> };
};
const addPartitions = prototype.addPartitionsToTxn;
let patched = false;

const FIRST_DELAY_MS = 10;
const MAX_DELAY_MS = 100;
/** As long as a transaction may take: after that its coordinator aborts it. */
const RETRY_FOR_MS = 15_000;

/** Repeats AddPartitionsToTxn until the last transaction is complete. Applies to all clients of the process; calling it again does nothing. */
export function patchAddPartitions(): void {
  if (patched) return;
  patched = true;
  prototype.addPartitionsToTxn = async function (this: object, request: object) {
    const deadline = performance.now() + RETRY_FOR_MS;
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, MAX_DELAY_MS)) {
      try {
        return await addPartitions.call(this, request);
      } catch (error) {
        if (!isConcurrentTransaction(error) || performance.now() > deadline) throw error;
      }
      await sleep(delayMs);
    }
  };
}

const isConcurrentTransaction = (error: unknown): boolean =>
  error instanceof Error && 'type' in error && error.type === 'CONCURRENT_TRANSACTIONS';
