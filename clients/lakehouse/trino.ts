import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { BasicAuth, Trino as TrinoClient, type QueryError, type QueryResult } from 'trino-client';
import type { Row } from '../../domain/schema/table-entity.ts';

/** A query that Trino refused or gave up; `retryable` tells whether the same query may work later. */
export class TrinoQueryError extends Error {
  readonly code = 'TRINO_QUERY_FAILED';
  readonly retryable: boolean;
  constructor(
    readonly queryId: string,
    readonly errorName: string,
    errorType: string,
    message: string,
  ) {
    super(`Trino query ${queryId} failed: ${errorName}: ${message}`);
    this.name = 'TrinoQueryError';
    // USER_ERROR: the query is wrong and stays wrong. INTERNAL_ERROR, INSUFFICIENT_RESOURCES and EXTERNAL pass.
    this.retryable = errorType !== 'USER_ERROR';
  }
}

/** Trino could not be reached, answered something else than the protocol, or took too long. */
export class TrinoUnavailableError extends Error {
  readonly code = 'TRINO_UNAVAILABLE';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TrinoUnavailableError';
  }
}

export interface QueryOptions {
  /** Columns that the result must have, in order; a lying or changed reply is an error, never zero rows. */
  readonly columns: readonly string[];
  /** Aborting cancels the query in Trino. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutSeconds?: number | undefined;
}

export interface TrinoOptions {
  readonly url: string;
  readonly user: string;
  readonly password?: string | undefined;
  readonly queryTimeoutSeconds: number;
  /** Queries on their way at once; more wait for their turn. No limit by default. */
  readonly concurrency?: number;
}

export interface Trino {
  /** Streams the pages of a result; at most one page is held. Leaving the loop early cancels the query. */
  pages(sql: string, options: QueryOptions): AsyncGenerator<Row[]>;
  /** The whole result; for small ones. */
  rows(sql: string, options: QueryOptions): Promise<Row[]>;
}

const RETRIED_STATUS = new Set([429, 502, 503, 504]);
const POLL_ATTEMPTS = 5;
/** A cancelled activity ends soon, also where Trino hangs. */
const LONGEST_CANCEL_MS = 5000;

/**
 * Queries over trino-client, with what it leaves out (packages.md, section 3): errors are thrown also when they come in
 * the first reply, the result's columns are checked, polls are retried, and a query ends with its reader.
 */
export function createTrino({
  url,
  user,
  password,
  queryTimeoutSeconds,
  concurrency = Infinity,
}: TrinoOptions): Trino {
  const limit = pLimit(concurrency);
  /** A query's turn; it lasts until the returned function is called. */
  const turn = () =>
    new Promise<() => void>((begin) => {
      void limit(() => new Promise<void>((end) => begin(end)));
    });

  async function* pages(sql: string, options: QueryOptions): AsyncGenerator<Row[]> {
    const end = await turn();
    try {
      options.signal?.throwIfAborted();
      yield* query(sql, options);
    } finally {
      end();
    }
  }

  async function* query(sql: string, options: QueryOptions): AsyncGenerator<Row[]> {
    // A client's session is changed by replies: one client per query.
    const client = TrinoClient.create({
      server: url,
      source: 'kol-cache',
      // Times are compared as instants; the server's own zone must not matter.
      extraHeaders: { 'X-Trino-Time-Zone': 'UTC' },
      auth: new BasicAuth(user, password),
      session: { query_max_run_time: `${Math.ceil(options.timeoutSeconds ?? queryTimeoutSeconds)}s` },
    });
    const deadline = AbortSignal.timeout(((options.timeoutSeconds ?? queryTimeoutSeconds) + 5) * 1000);
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
    // Sent once only: a query that was sent twice would run twice.
    const sent = client.query(sql);
    let finished = false;
    try {
      const iterator = await untilAborted(sent, signal, url).catch((error: unknown) => {
        throw unavailable(error, url);
      });
      let columnsSeen = false;
      while (!finished) {
        const step = await nextPage(() => untilAborted(iterator.next(), signal, url));
        const page = checkedPage(step.value as unknown);
        if (page.error) throw queryError(page.id, page.error);
        if (page.nextUri !== undefined) page.nextUri = inSmallPages(page.nextUri);
        if (page.columns) {
          checkColumns(page.id, page.columns, options.columns);
          columnsSeen = true;
        }
        if (page.data && page.data.length > 0) {
          if (!columnsSeen)
            throw new TrinoUnavailableError(`Trino query ${page.id} sent rows without columns`);
          yield page.data as Row[];
        }
        finished = step.done === true || page.nextUri === undefined;
        if (finished && (page.stats?.state !== 'FINISHED' || !columnsSeen))
          throw new TrinoUnavailableError(
            `Trino query ${page.id} ended in state ${page.stats?.state ?? 'unknown'}${columnsSeen ? '' : ' without a result'}`,
          );
      }
    } finally {
      // The answer to a query may still be on its way: it is cancelled when that arrives, and nobody waits for it.
      if (!finished)
        await Promise.race([cancel(client, sent), sleep(LONGEST_CANCEL_MS, undefined, { ref: false })]);
    }
  }

  return {
    pages,
    async rows(sql, options) {
      const all: Row[] = [];
      for await (const page of pages(sql, options)) for (const row of page) all.push(row);
      return all;
    },
  };
}

/**
 * Where the next page is to be had, for one of about a megabyte. Trino's own choice of 16 MB is ten times that once it is
 * parsed, for each query on its way.
 */
function inSmallPages(nextUri: string): string {
  const uri = new URL(nextUri);
  uri.searchParams.set('targetResultSize', '1MB');
  return uri.toString();
}

/** Polls again where the coordinator or a proxy before it was busy: fetching the same page twice is safe. */
async function nextPage<T>(poll: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await poll();
    } catch (error) {
      const status = (error as { response?: { status?: number } }).response?.status;
      const passing = status === undefined ? isConnectionError(error) : RETRIED_STATUS.has(status);
      if (!passing || attempt === POLL_ATTEMPTS) throw unavailable(error);
      await sleep(100 * 2 ** attempt);
    }
  }
}

const isConnectionError = (error: unknown) =>
  ['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes((error as { code?: string }).code ?? '');

function unavailable(error: unknown, url?: string): Error {
  if (error instanceof TrinoUnavailableError || error instanceof TrinoQueryError) return error;
  // Not the axios error itself: it holds the request with its Authorization header.
  const { code, message, response } = error as {
    code?: string;
    message?: string;
    response?: { status?: number };
  };
  const what = response?.status === undefined ? (code ?? message) : `HTTP ${response.status}`;
  return new TrinoUnavailableError(`Trino${url === undefined ? '' : ` at ${url}`} did not answer: ${what}`);
}

async function untilAborted<T>(work: Promise<T>, signal: AbortSignal, url: string): Promise<T> {
  const aborted = () =>
    new TrinoUnavailableError(
      signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
        ? `Trino at ${url} did not finish the query in time`
        : 'The Trino query was cancelled',
      { cause: signal.reason },
    );
  if (signal.aborted) throw aborted();
  let stop: () => void = () => {};
  const abort = new Promise<never>((_resolve, reject) => {
    stop = () => reject(aborted());
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, abort]);
  } catch (error) {
    const { response, code } = error as { response?: unknown; code?: unknown };
    if (response === undefined && code === 'ECONNREFUSED') throw unavailable(error, url);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    work.catch(() => {}); // the loser of the race must not become an unhandled rejection
  }
}

function checkedPage(page: unknown): QueryResult {
  if (typeof page !== 'object' || page === null || !('id' in page) || typeof page.id !== 'string')
    throw new TrinoUnavailableError('What answers as Trino sent something else than a query result');
  return page as QueryResult;
}

function checkColumns(
  queryId: string,
  columns: readonly { name: string }[],
  expected: readonly string[],
): void {
  const names = columns.map(({ name }) => name);
  if (names.join() !== expected.join())
    throw new TrinoUnavailableError(
      `Trino query ${queryId} answered columns ${names.join(', ')} instead of ${expected.join(', ')}`,
    );
}

const queryError = (queryId: string, error: QueryError) =>
  new TrinoQueryError(queryId, error.errorName, error.errorType, error.message);

type Sent = ReturnType<TrinoClient['query']>;

async function cancel(client: TrinoClient, sent: Sent): Promise<void> {
  try {
    const id = queryId(await sent);
    if (id !== undefined) await client.cancel(id);
  } catch {
    // Best effort: query_max_run_time ends it if Trino is out of reach now.
  }
}

/**
 * The client gives no page, and so no id, before there are rows; a query that sorts a million of them must be stopped before.
 * So the id is read where the client keeps the first reply (0.2.9; the cancel test on a real Trino would notice).
 */
const queryId = (iterator: Awaited<Sent>): string | undefined =>
  (iterator as unknown as { iter?: { queryResult?: { id?: string } } }).iter?.queryResult?.id;
