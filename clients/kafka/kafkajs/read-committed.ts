/** What a fetched message needs to have for the filter; kafkajs's raw messages do. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord?: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

/** An aborted transaction as the broker lists it with a fetch: every one that overlaps what was fetched. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

const ABORT_MARKER_TYPE = 0;

/**
 * Keeps what a read-committed reader may see: no control records, nothing of an aborted transaction.
 * kafkajs's own filter takes up at most one aborted transaction per record and is fooled by keys that look like markers
 * (packages.md, 1 D and E), which shows when reading from the middle of a log, as a range reader does.
 * @param messages everything fetched, in offset order, also what lies before the wanted offset
 */
export function readCommitted<M extends FetchedMessage>(
  messages: readonly M[],
  abortedTransactions: readonly AbortedTransaction[] | null,
): M[] {
  const upcoming = [...(abortedTransactions ?? [])].sort((a, b) =>
    Number(BigInt(a.firstOffset) - BigInt(b.firstOffset)),
  );
  const aborting = new Set<string>();
  return messages.filter((message) => {
    const offset = BigInt(message.offset);
    for (let next = upcoming[0]; next && BigInt(next.firstOffset) <= offset; next = upcoming[0]) {
      aborting.add(next.producerId);
      upcoming.shift();
    }
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      // Control record key: version INT16, type INT16 (0 = abort, 1 = commit).
      if (message.key?.readInt16BE(2) === ABORT_MARKER_TYPE) aborting.delete(producerId);
      return false;
    }
    return !(inTransaction && aborting.has(producerId));
  });
}
