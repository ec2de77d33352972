import { getEventListeners, once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createTrino } from '../../../../clients/lakehouse/trino.ts';
import { TrinoQueryError, TrinoUnavailableError } from '../../../../clients/lakehouse/trino-errors.ts';

const columns = [{ name: 'id', type: 'varchar' }];
const finished = { stats: { state: 'FINISHED' } };
let server: Server | undefined;
const encodings = new Set<string | string[] | undefined>();
const paths: string[] = [];

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Queries a server that answers with these pages, one after the other, as a real Trino would not. */
async function queryServerWith(pages: readonly object[]): Promise<unknown[][]> {
  let next = 0;
  server = createServer((request, response) => {
    encodings.add(request.headers['accept-encoding']);
    paths.push(request.url ?? '');
    const page = pages[next] ?? {};
    next += 1;
    const nextUri = next < pages.length ? { nextUri: `http://${request.headers.host}/page/${next}` } : {};
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ ...nextUri, ...page }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const trino = createTrino({ url, user: 'test', queryTimeoutSeconds: 5 });
  return (await trino.rows('SELECT id', { columns: ['id'] })) as unknown[][];
}

test('queries beyond the limit of waiting ones fail immediately', async () => {
  const held: (() => void)[] = [];
  server = createServer((_request, response) => {
    held.push(() => {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ id: 'q1', columns, data: [['a']], ...finished }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const trino = createTrino({ url, user: 'test', queryTimeoutSeconds: 5, concurrency: 1, maxWaiting: 1 });
  const query = () => trino.rows('SELECT id', { columns: ['id'] });
  const [running, waiting, ...burst] = [query(), query(), query(), query()];
  // They came before the first one could start.
  for (const refused of burst) await expect(refused).rejects.toThrow(TrinoUnavailableError);
  await expect.poll(() => held.length).toBe(1);
  await expect(query()).rejects.toThrow(TrinoUnavailableError);
  held[0]?.();
  expect(await running).toEqual([['a']]);
  await expect.poll(() => held.length).toBe(2);
  held[1]?.();
  expect(await waiting).toEqual([['a']]);
});

describe('a query', () => {
  test('returns the rows of all pages', async () => {
    const pages = [
      { id: 'q1', stats: { state: 'QUEUED' } },
      { id: 'q1', columns, data: [['a']] },
      { id: 'q1', columns, data: [['b']], ...finished },
    ];
    expect(await queryServerWith(pages)).toEqual([['a'], ['b']]);
  });

  test('asks for pages of about 1 MB: each is held in memory', async () => {
    paths.length = 0;
    await queryServerWith([
      { id: 'q1', stats: { state: 'QUEUED' } },
      { id: 'q1', columns, data: [['a']] },
      { id: 'q1', columns, data: [['b']], ...finished },
    ]);
    // The first poll of a real Trino is of a query that is queued: it has no rows.
    expect(paths.slice(1)).toEqual(['/page/1', '/page/2?targetResultSize=1MB']);
  });

  test('asks for pages that are not compressed', async () => {
    encodings.clear();
    await queryServerWith([
      { id: 'q1', stats: { state: 'QUEUED' } },
      { id: 'q1', columns, ...finished },
    ]);
    expect([...encodings]).toEqual(['identity']);
  });

  test('throws the error of Trino, also when it is in the first page', async () => {
    const error = { errorName: 'SYNTAX_ERROR', errorType: 'USER_ERROR', message: 'line 1' };
    const failed = queryServerWith([{ id: 'q1', error }]);
    await expect(failed).rejects.toThrow(TrinoQueryError);
    await expect(failed).rejects.toThrow('Trino query q1 failed: SYNTAX_ERROR: line 1');
  });

  test.each([
    ['a page that is not a query result', [{ message: 'Bad gateway' }], 'is not a query result'],
    [
      'other columns',
      [{ id: 'q1', columns: [{ name: 'x' }], ...finished }],
      'returned columns x instead of id',
    ],
    ['rows without columns', [{ id: 'q1', data: [['a']], ...finished }], 'sent rows without columns'],
    ['an end without columns', [{ id: 'q1', ...finished }], 'ended in state FINISHED without a result'],
    ['an end in another state', [{ id: 'q1', columns, stats: { state: 'FAILED' } }], 'ended in state FAILED'],
  ])('rejects %s, and never returns zero rows for it', async (_what, pages, message) => {
    const rejected = queryServerWith(pages);
    await expect(rejected).rejects.toThrow(TrinoUnavailableError);
    await expect(rejected).rejects.toThrow(message);
  });
});

test('a query that is cancelled while it waits leaves the queue immediately, and takes no slot', async () => {
  const held: ServerResponse[] = [];
  server = createServer((_request, response) => void held.push(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const trino = createTrino({ url, user: 'test', queryTimeoutSeconds: 5, concurrency: 1 });
  const query = (signal?: AbortSignal) => trino.rows('SELECT id', { columns: ['id'], signal });
  const answer = async () => {
    while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    held.shift()?.end(JSON.stringify({ id: 'q', columns, data: [['a']], ...finished }));
  };
  const first = query();
  const cancelled = new AbortController();
  const second = query(cancelled.signal);
  const third = query();
  cancelled.abort(new Error('cancelled'));
  await expect(second).rejects.toThrow('cancelled'); // although the first still has the only slot
  await expect(query(cancelled.signal)).rejects.toThrow('cancelled');
  await answer();
  expect(await first).toEqual([['a']]);
  await answer();
  expect(await third).toEqual([['a']]);
  expect(getEventListeners(cancelled.signal, 'abort')).toEqual([]);
});
