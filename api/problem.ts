import type { ErrorRequestHandler, RequestHandler } from 'express';
import { NotCachedError } from '../cache/reading/not-cached.ts';
import { ScoreRefusedError } from '../cache/reading/score-refused.ts';
import { SearchUnavailableError } from '../cache/reading/search.ts';
import { SourceUnavailableError } from '../cache/reading/source-unavailable.ts';
import { CacheUnavailableError } from '../cache/redis/reach-redis.ts';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { MlApiUnavailableError } from '../clients/ml-api/unavailable-error.ts';
import { formatInvalidValue, type InvalidValue } from '../domain/values/invalid-value.ts';
import { requestId } from './log-requests.ts';

/** All problems of the API (RFC 9457). docs/api.md lists the same. */
export const problemTypes = {
  'invalid-parameter': { status: 400, title: 'Invalid parameter' },
  'malformed-request': { status: 400, title: 'Malformed request' },
  unauthorized: { status: 401, title: 'Valid token required' },
  'triggers-off': { status: 403, title: 'Calls with a token are off' },
  'not-found': { status: 404, title: 'Not found' },
  'no-such-route': { status: 404, title: 'Route not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'list-changed': { status: 410, title: 'List changed' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'body-too-large': { status: 413, title: 'Body too large' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'internal-error': { status: 500, title: 'Internal error' },
  'score-refused': { status: 502, title: 'The model rejected this profile' },
  'lakehouse-unavailable': { status: 503, title: 'Not cached, and the lakehouse is unavailable' },
  'temporal-unavailable': { status: 503, title: 'Temporal is unavailable' },
  'search-unavailable': { status: 503, title: 'Search is unavailable' },
  'cache-unavailable': { status: 503, title: 'Redis is unavailable' },
  'read-through-off': { status: 503, title: 'Not cached, and reads of the lakehouse are switched off' },
  'model-unavailable': { status: 503, title: 'Not scored yet, and the model is unavailable' },
  'not-cached': { status: 504, title: 'Not cached' },
  'deadline-exceeded': { status: 504, title: 'No answer in time' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemType = keyof typeof problemTypes;

/** A route throws this to answer with a problem. The client sees `detail`. */
export class Problem extends Error {
  readonly code = 'PROBLEM';
  constructor(
    readonly type: ProblemType,
    readonly detail: string,
    readonly extra: {
      readonly retryAfterSeconds?: number;
      /** Value of the Allow header of a 405. */
      readonly allow?: string;
      /** Value of the WWW-Authenticate header of a 401. */
      readonly challenge?: string;
      readonly invalid?: readonly InvalidParameter[];
    } = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

/** One wrong parameter: what was given and what is accepted. */
interface InvalidParameter {
  readonly parameter: string;
  readonly given: unknown;
  readonly accepted: string;
}

/** The problem that names these invalid values. */
export const invalidProblem = (invalid: readonly InvalidValue[]): Problem =>
  new Problem('invalid-parameter', invalid.map(formatInvalidValue).join('; '), {
    invalid: invalid.map(({ name, given, accepted }) => ({ parameter: name, given, accepted })),
  });

/** The `type` of an answer with this problem. */
export const problemUrn = (type: ProblemType): string => `urn:kol-cache:problem:${type}`;

/** The answer if a value is missing and its table lost most of its rows since the last warm: it is unknown whether the value exists. */
export const tableShrunk = new Problem(
  'lakehouse-unavailable',
  'The table of the lakehouse lost most of its rows since the last warm; try again after the next load',
  { retryAfterSeconds: 60 },
);

/** Retry-After while Redis, the model or Temporal is unavailable. Each request calls them again, so an early retry can succeed. */
const RETRY_AFTER_SECONDS = 5;

export const routeNotFound: RequestHandler = (request) => {
  throw new Problem('no-such-route', `${request.method} ${request.path} is not a route of this API`);
};

/** Answers every error with a problem. The client sees only texts of this file; messages of inner errors go to the log. */
export const answerProblem: ErrorRequestHandler = (error: unknown, request, response, next) => {
  const problem = problemOf(error);
  const { status, title } = problemTypes[problem.type];
  if (status >= 500)
    request.log[status === 500 ? 'error' : 'warn'](
      { problem: problem.type, error },
      'answered with a problem',
    );
  if (response.headersSent) {
    next(error); // part of the answer is sent: Express closes the connection
    return;
  }
  const { retryAfterSeconds, allow, challenge, invalid } = problem.extra;
  if (allow !== undefined) response.set('Allow', allow);
  if (challenge !== undefined) response.set('WWW-Authenticate', challenge);
  if (retryAfterSeconds !== undefined) response.set('Retry-After', String(retryAfterSeconds));
  response.removeHeader('ETag');
  response.status(status).type('application/problem+json').set('Cache-Control', 'no-store');
  response.end(
    JSON.stringify({
      type: problemUrn(problem.type),
      title,
      status,
      detail: problem.detail,
      instance: `urn:kol-cache:request:${requestId(request)}`,
      ...(invalid === undefined ? {} : { invalid }),
    }),
  );
};

/** The problem that answers an error. Any unexpected error is an internal error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SourceUnavailableError) {
    const { entity, retryAfterSeconds } = error;
    const detail = `This ${entity} is not cached, and the lakehouse does not answer; try again soon`;
    return new Problem('lakehouse-unavailable', detail, { retryAfterSeconds });
  }
  if (error instanceof NotCachedError) return notCachedProblem(error);
  if (error instanceof MlApiUnavailableError)
    return new Problem('model-unavailable', 'The trust score model does not answer; try again soon', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  if (error instanceof SearchUnavailableError)
    return new Problem('search-unavailable', 'The search index is not available; try again soon', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  if (error instanceof CacheUnavailableError)
    return new Problem('cache-unavailable', 'Redis does not answer; try again soon', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  if (error instanceof ScoreRefusedError)
    return new Problem('score-refused', 'The model rejected the known features of this KOL');
  if (error instanceof TemporalUnavailableError)
    return new Problem(
      'temporal-unavailable',
      'Temporal does not answer, or no worker is running; try again soon',
      {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      },
    );
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  // Express and its router throw this for a request that they cannot read, such as %E0 in a path.
  if (status === 400) return new Problem('malformed-request', 'The path is not valid percent-encoded UTF-8');
  // express.static throws this for a file.
  if (status === 412)
    return new Problem('precondition-failed', 'The file is not as If-Match or If-Unmodified-Since demands');
  return new Problem('internal-error', 'Unexpected error; the log has the reason under this request id');
}

const notCachedProblem = ({ entity, forbiddenBy }: NotCachedError): Problem =>
  forbiddenBy === 'request'
    ? new Problem('not-cached', `No cached ${entity} is as the Cache-Control of the request demands`)
    : new Problem('read-through-off', `This ${entity} is not cached, and only cached values are served now`, {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      });
