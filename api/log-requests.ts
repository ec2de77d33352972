import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { pinoHttp, startTime } from 'pino-http';
import { createLineWriter, type Logger } from '../clients/logger.ts';

/** Ids that are safe in a log, a header and a URN without escaping. */
const SAFE_ID = /^[A-Za-z0-9._-]{1,64}$/;
const MESSAGE = 'request';
const HEALTH_CHECK = /^\/(livez|healthz|readyz)/;

/**
 * Gives each request an id and a logger (`request.log`) that adds it as `request_id`, and logs one line per request: when
 * the response is sent, or when the client is gone. Health checks are logged at debug level.
 * @param loggedUrl what the line has as the URL
 */
export function logRequests(log: Logger, loggedUrl: (request: Request) => string): RequestHandler {
  const requestLine = (request: Request, response: Response): RequestLine => ({
    ...formatRequestLine(request, response.statusCode, response.get('Cache-Status'), response[startTime]),
    url: loggedUrl(request),
    aborted: response.writableFinished ? undefined : true,
  });
  return pinoHttp<Request, Response>({
    logger: log,
    genReqId: (request, response) => {
      // pino-http keeps a start time that is already set. Its own clock has whole milliseconds, and a hit in Redis takes less than one.
      response[startTime] = performance.now();
      const id = newRequestId(request);
      response.set('X-Request-Id', id);
      return id;
    },
    // By default pino-http binds the whole request to its logger, with the token in the headers. Bind only the id.
    wrapSerializers: false,
    customAttributeKeys: { req: 'request_id' },
    serializers: { request_id: (request: Request) => request.id },
    customLogLevel: (request) => (HEALTH_CHECK.test(request.originalUrl) ? 'debug' : 'info'),
    customSuccessObject: requestLine,
    customErrorObject: requestLine,
    customSuccessMessage: () => MESSAGE,
    customErrorMessage: () => MESSAGE,
  });
}

/** The id of the client if it is safe, else a new one. */
export function newRequestId({ headers }: Request): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SAFE_ID.test(given) ? given : randomUUID();
}

/** The id that `logRequests` gave to this request. */
export const requestId = (request: Request): string => request.id as string;

/** What the log has of a request, beside the `request_id` of its logger. Members that are undefined are left out. */
interface RequestLine {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly cache: string | undefined;
  readonly duration_ms: number;
  /** The client was gone before the end of the answer. */
  readonly aborted?: true | undefined;
}

/** Logs answers from L1, with their Cache-Status. The lines are like those of `logRequests`, but faster. */
export function createRequestLog(log: Logger) {
  const write = createLineWriter(log, MESSAGE);
  return (request: Request, status: number, cache: string, startedAt: number, id: string): void => {
    const { method, url, duration_ms } = formatRequestLine(request, status, cache, startedAt);
    // Only the URL can contain characters that JSON escapes.
    write(
      `"request_id":"${id}","method":"${method}","url":${JSON.stringify(url)},"status":${status},"cache":"${cache}","duration_ms":${duration_ms}`,
    );
  };
}

/** @param startedAt on the clock of `performance.now` */
const formatRequestLine = (
  { method, url }: Request,
  status: number,
  cache: string | undefined,
  startedAt: number,
): RequestLine => ({
  method,
  url,
  status,
  cache,
  duration_ms: Math.round((performance.now() - startedAt) * 10) / 10,
});
