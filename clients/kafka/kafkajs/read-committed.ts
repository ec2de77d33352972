// Fault:       kafkajs 2.2.4 adds at most one aborted transaction per record to its filter, and it takes a record whose key
//              is four zero bytes for an abort marker.
// Consequence: a read-committed reader gets aborted records when it starts in the middle of a log, as the record reader does.
// Remedy:      fetch raw batches and filter them here.
// Upstream:    the filter came with https://github.com/tulios/kafkajs/pull/223; no issue known.
// See docs/decisions/0006-kafkajs.md.

/** The fields of a fetched message that the filter reads. */
export interface FetchedMessage {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

/** An aborted transaction. A fetch response lists all that overlap the fetched records. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

const ABORT_MARKER_TYPE = 0;

/**
 * Finds the messages that a read-committed reader may see: no control records and no records of aborted transactions.
 * @returns says so of each fetched message, in offset order and from the first one on, also before the requested offset
 */
export function readCommitted(
  abortedTransactions: readonly AbortedTransaction[] | null,
): (message: FetchedMessage) => boolean {
  const upcomingAborts = [...(abortedTransactions ?? [])].sort(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  );
  const abortingProducers = new Set<string>();
  return (message) => {
    for (
      let next = upcomingAborts[0];
      next && Number(next.firstOffset) <= message.offset;
      next = upcomingAborts[0]
    ) {
      abortingProducers.add(next.producerId);
      upcomingAborts.shift();
    }
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      // Control record key: version INT16, type INT16 (0 = abort, 1 = commit).
      if (message.key?.readInt16BE(2) === ABORT_MARKER_TYPE) abortingProducers.delete(producerId);
      return false;
    }
    return !(inTransaction && abortingProducers.has(producerId));
  };
}
