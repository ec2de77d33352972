import { setTimeout as sleep } from 'node:timers/promises';
import type { Trino } from 'trino-client';

type SentQuery = ReturnType<Trino['query']>;

/** A cancelled activity must end soon, even if Trino hangs. */
const MAX_CANCEL_MS = 5000;

/**
 * Cancels a query in Trino, and waits for it at most 5 s. A query without a response yet is cancelled when its first response arrives. Best
 * effort: a query that cannot be cancelled ends with query_max_run_time.
 */
export async function cancelQuery(client: Trino, sent: SentQuery): Promise<void> {
  await Promise.race([cancel(client, sent), sleep(MAX_CANCEL_MS, undefined, { ref: false })]);
}

async function cancel(client: Trino, sent: SentQuery): Promise<void> {
  try {
    const id = queryIdOf(await sent);
    if (id !== undefined) await client.cancel(id);
  } catch {
    // Trino is unreachable: query_max_run_time ends the query
  }
}

/**
 * The client returns the id only with the first page of rows, but a query must be cancellable earlier, for example while it sorts a million
 * rows. So this reads the id from the first response, in a private field of the iterator (trino-client 0.2.9; the test that cancels a query
 * on a real Trino fails if that changes).
 */
const queryIdOf = (iterator: Awaited<SentQuery>): string | undefined =>
  (iterator as unknown as { iter?: { queryResult?: { id?: string } } }).iter?.queryResult?.id;
