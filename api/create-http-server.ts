import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { closeSlowReaders } from './close-slow-readers.ts';
import { expressClasses } from './express-classes.ts';
import type { AnswerReady } from './answer-ready.ts';

/**
 * Longer than the 60 s for which load balancers keep idle connections. If the server closed first, a request could arrive on a connection
 * that has just closed.
 */
const KEEP_ALIVE_SECONDS = 65;
/** A request must arrive within this time. Node requires a shorter limit for the headers than for the whole request. */
const HEADERS_SECONDS = KEEP_ALIVE_SECONDS + 5;
const REQUEST_SECONDS = HEADERS_SECONDS + 5;
/** A connection is closed without traffic for this time, or if its client takes longer to read what was sent. */
const IDLE_SECONDS = REQUEST_SECONDS;
/** How often late requests and slow readers are looked for. */
const CHECK_SECONDS = 5;
/** Limit for the path and all headers together. 100 ids of the usual length take about 2 KiB. */
const MAX_HEADER_KIB = 16;

/** How long slow clients may take, in seconds. */
interface TimeLimits {
  readonly headers: number;
  readonly request: number;
  readonly idle: number;
  readonly check: number;
}
const timeLimits: TimeLimits = {
  headers: HEADERS_SECONDS,
  request: REQUEST_SECONDS,
  idle: IDLE_SECONDS,
  check: CHECK_SECONDS,
};

interface ServerOptions {
  /** Answers a request before Express sees it, if it can. */
  readonly answerReady?: AnswerReady | undefined;
  /** After its abort each answer closes its connection, so that clients connect to another process. */
  readonly stopping?: AbortSignal;
  readonly limits?: TimeLimits;
}

/** A server with limits for slow and large requests. A request with a larger header is answered with 431, one that is late with 408. */
export function createHttpServer(
  app: Express,
  { answerReady = () => false, stopping, limits = timeLimits }: ServerOptions = {},
): Server {
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
      headersTimeout: limits.headers * 1000,
      requestTimeout: limits.request * 1000,
      connectionsCheckingInterval: limits.check * 1000,
      maxHeaderSize: MAX_HEADER_KIB * 1024,
      ...expressClasses(app),
    },
    (request, response) => {
      if (stopping?.aborted === true) response.shouldKeepAlive = false;
      if (!answerReady(request, response)) app(request, response);
    },
  );
  server.timeout = limits.idle * 1000;
  closeSlowReaders(server, limits.idle * 1000, limits.check * 1000);
  return server;
}

/** Connections that the system queues while the process is busy. With Node's 511, clients in a burst must retry after seconds. */
const BACKLOG = 4096;

/** Resolves when the server listens, with its address. @param host all addresses by default */
export async function listen(server: Server, port: number, host?: string): Promise<AddressInfo> {
  server.listen({ port, backlog: BACKLOG, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  return server.address() as AddressInfo;
}
