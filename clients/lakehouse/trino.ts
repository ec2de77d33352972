import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { BasicAuth, Trino as TrinoClient, type QueryResult } from 'trino-client';
import type { Row } from '../../domain/schema/table-entity.ts';
import { abortable } from '../../domain/values/abortable.ts';
import { cancelQuery } from './cancel-query.ts';
import { toTrinoError, TrinoQueryError, TrinoUnavailableError } from './trino-errors.ts';

interface QueryOptions {
  /** Expected columns of the result, in order. A result with other columns is an error, never zero rows. */
  readonly columns: readonly string[];
  /** Aborting it cancels the query in Trino. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutSeconds?: number | undefined;
}

interface TrinoOptions {
  readonly url: string;
  readonly user: string;
  readonly password?: string | undefined;
  readonly queryTimeoutSeconds: number;
  /** Number of queries that run at the same time; more queries wait. No limit by default. */
  readonly concurrency?: number;
  /** Maximum number of waiting queries; more fail with TrinoUnavailableError. No limit by default. */
  readonly maxWaiting?: number;
}

export interface Trino {
  /**
   * Streams the pages of a result and holds at most one page. Leaving the loop early cancels the query.
   * @throws TrinoQueryError, TrinoUnavailableError
   */
  pages(sql: string, options: QueryOptions): AsyncGenerator<Row[]>;
  /** Returns all rows of a small result. @throws TrinoQueryError, TrinoUnavailableError */
  rows(sql: string, options: QueryOptions): Promise<Row[]>;
}

const HEADERS = {
  // Times are compared as instants, so the server's time zone must not matter.
  'X-Trino-Time-Zone': 'UTC',
  // No compression: it takes Trino as long as reading a large result, more than the network time it saves.
  'Accept-Encoding': 'identity',
};
const RETRIED_STATUSES = new Set([429, 502, 503, 504]);
const RETRIED_CODES = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);
const POLL_ATTEMPTS = 5;

/** Trino ends a query after its timeout. This much later (s) the client stops waiting for Trino to report that. */
const GRACE_SECONDS = 5;

/**
 * Runs queries with trino-client and adds missing features (docs/decisions/0008-trino-client.md): errors are thrown, also those of the
 * first response; result columns are checked; polls are retried; a query is cancelled when its reader stops.
 */
export function createTrino({
  url,
  user,
  password,
  queryTimeoutSeconds,
  concurrency = Infinity,
  maxWaiting = Infinity,
}: TrinoOptions): Trino {
  const limit = pLimit(concurrency);
  /** Queries that run or wait. p-limit counts a query as running only some microtasks later. */
  let accepted = 0;
  /** Waits for a free slot, until the signal aborts. Call the returned function to release it. @throws the signal's reason */
  async function acquireSlot(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    let leave = () => {};
    try {
      return await new Promise<() => void>((acquired, reject) => {
        leave = () => reject(signal?.reason as Error);
        signal?.addEventListener('abort', leave);
        void limit(() => (signal?.aborted ? undefined : new Promise<void>((release) => acquired(release))));
      });
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  async function* query(
    sql: string,
    { columns, signal, timeoutSeconds }: QueryOptions,
  ): AsyncGenerator<Row[]> {
    signal?.throwIfAborted();
    const seconds = timeoutSeconds ?? queryTimeoutSeconds;
    const client = TrinoClient.create({
      server: url,
      source: 'kol-cache',
      extraHeaders: HEADERS,
      auth: new BasicAuth(user, password),
      session: { query_max_run_time: `${Math.ceil(seconds)}s` },
    });
    // Do not use AbortSignal.any with a timeout: on Node 20 the timeout can be garbage-collected before it fires.
    const ending = new AbortController();
    const onAbort = () =>
      ending.abort(new TrinoUnavailableError('The Trino query was cancelled', { cause: signal?.reason }));
    const onTimeout = () =>
      ending.abort(new TrinoUnavailableError(`Trino at ${url} did not finish the query in time`));
    const deadline = setTimeout(onTimeout, (seconds + GRACE_SECONDS) * 1000).unref();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      yield* runQuery(client, sql, { columns, signal: ending.signal, url });
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async function* pages(sql: string, options: QueryOptions): AsyncGenerator<Row[]> {
    if (accepted >= concurrency + maxWaiting)
      throw new TrinoUnavailableError(
        `${concurrency} queries run on Trino and ${maxWaiting} wait: no more are accepted`,
      );
    accepted += 1;
    let releaseSlot = () => {};
    try {
      releaseSlot = await acquireSlot(options.signal);
      yield* query(sql, options);
    } finally {
      releaseSlot();
      accepted -= 1;
    }
  }

  return {
    pages,
    async rows(sql, options) {
      const rows: Row[] = [];
      for await (const page of pages(sql, options)) for (const row of page) rows.push(row);
      return rows;
    },
  };
}

/**
 * Runs a query: send, poll page by page, check each page, and cancel the query in Trino unless it ended.
 * @param client used for this query only, since responses change its session
 * @param columns names of the result's columns, in order
 * @param signal ends the query; its reason is thrown
 * @param url quoted by errors
 * @throws TrinoQueryError, TrinoUnavailableError
 */
async function* runQuery(
  client: TrinoClient,
  sql: string,
  { columns, signal, url }: { columns: readonly string[]; signal: AbortSignal; url: string },
): AsyncGenerator<Row[]> {
  // No retry: a query that is sent twice runs twice.
  const sent = client.query(sql);
  const pages = createPageCheck(columns);
  let ended = false;
  try {
    // trino-client has no timeout, and its calls cannot be aborted.
    const iterator = await abortable([signal], () => sent).catch((error: unknown) => {
      throw toTrinoError(error, url);
    });
    while (!ended) {
      const step = await pollPage(() => abortable([signal], () => iterator.next()), url);
      const page = pages.check(step.value);
      // the iterator polls the URI of its last page
      if (page.nextUri !== undefined) page.nextUri = withPageSize(page.nextUri);
      if (page.data && page.data.length > 0) yield page.data as Row[];
      ended = step.done === true || page.nextUri === undefined;
      if (ended) pages.checkLast(page);
    }
  } finally {
    if (!ended) await cancelQuery(client, sent);
  }
}

/**
 * Polls the next page, and retries while the coordinator or a proxy in front of it is busy. Fetching the same page twice is
 * safe. trino-client itself does not retry (docs/decisions/0008-trino-client.md).
 * @throws TrinoQueryError, TrinoUnavailableError
 */
async function pollPage<T>(poll: () => Promise<T>, url: string): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await poll();
    } catch (error) {
      if (!isTemporary(error) || attempt === POLL_ATTEMPTS) throw toTrinoError(error, url);
      await sleep(100 * 2 ** attempt);
    }
  }
}

function isTemporary(error: unknown): boolean {
  const { code = '', response } = error as { code?: string; response?: { status?: number } };
  return response?.status === undefined ? RETRIED_CODES.has(code) : RETRIED_STATUSES.has(response.status);
}

/** The URI of the next page, of about 1 MB. Trino's default of 16 MB takes ten times that after parsing, for each running query. */
function withPageSize(nextUri: string): string {
  const uri = new URL(nextUri);
  uri.searchParams.set('targetResultSize', '1MB');
  return uri.toString();
}

/**
 * Checks the pages of one result: trino-client returns errors as data, and ends without an error if the first page has it
 * (0008-trino-client.md).
 * @param expectedColumns names of the result's columns, in order
 */
function createPageCheck(expectedColumns: readonly string[]) {
  let columnsSeen = false;
  return {
    /**
     * @param value what the iterator of trino-client returned
     * @throws TrinoQueryError for an error of the query; TrinoUnavailableError for anything that is not the expected result
     */
    check(value: unknown): QueryResult {
      const page = toQueryResult(value);
      if (page.error)
        throw new TrinoQueryError(page.id, page.error.errorName, page.error.errorType, page.error.message);
      if (page.columns) {
        checkColumns(page.id, page.columns, expectedColumns);
        columnsSeen = true;
      }
      if (page.data && page.data.length > 0 && !columnsSeen)
        throw new TrinoUnavailableError(`Trino query ${page.id} sent rows without columns`);
      return page;
    },
    /** @throws TrinoUnavailableError unless the query finished and had columns: else a failure would look like zero rows */
    checkLast({ id, stats }: QueryResult): void {
      if (stats?.state === 'FINISHED' && columnsSeen) return;
      const state = stats?.state ?? 'unknown';
      throw new TrinoUnavailableError(
        `Trino query ${id} ended in state ${state}${columnsSeen ? '' : ' without a result'}`,
      );
    },
  };
}

function toQueryResult(value: unknown): QueryResult {
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string')
    throw new TrinoUnavailableError('The response of Trino is not a query result');
  return value as QueryResult;
}

function checkColumns(
  queryId: string,
  columns: readonly { name: string }[],
  expected: readonly string[],
): void {
  const names = columns.map(({ name }) => name);
  if (names.join() !== expected.join())
    throw new TrinoUnavailableError(
      `Trino query ${queryId} returned columns ${names.join(', ')} instead of ${expected.join(', ')}`,
    );
}
