import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ScoreRefusedError } from '../cache/reading/score-source.ts';
import { SourceUnavailableError } from '../cache/reading/source-unavailable.ts';
import type { Logger } from '../clients/logger.ts';
import { TemporalUnavailableError } from '../clients/temporal/connect.ts';
import { MlApiUnavailableError } from '../clients/ml-api.ts';
import { requestId } from './request-id.ts';

/** Every problem that the API answers with (RFC 9457); docs/api.md lists the same. */
export const problemTypes = {
  'invalid-parameter': { status: 400, title: 'A parameter is not valid' },
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  unauthorized: { status: 401, title: 'A token is needed' },
  'triggers-off': { status: 403, title: 'Triggers over HTTP are off' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'no-such-route': { status: 404, title: 'There is no such route' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body is not JSON' },
  'internal-error': { status: 500, title: 'The request failed' },
  'score-refused': { status: 502, title: 'The model refuses to score this profile' },
  'lakehouse-unavailable': { status: 503, title: 'Not cached, and the lakehouse cannot be asked now' },
  'temporal-unavailable': { status: 503, title: 'Temporal cannot be asked now' },
  'model-unavailable': { status: 503, title: 'Not scored yet, and the model cannot be asked now' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemType = keyof typeof problemTypes;

/** Thrown by a route to answer with a problem; `detail` is shown to the client. */
export class Problem extends Error {
  readonly code = 'PROBLEM';
  constructor(
    readonly type: ProblemType,
    readonly detail: string,
    readonly extra: {
      readonly retryAfterSeconds?: number;
      /** What the WWW-Authenticate of a 401 says. */
      readonly challenge?: string;
      readonly invalid?: readonly InvalidParameter[];
    } = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

/** One wrong parameter: what was given, and what would do. */
export interface InvalidParameter {
  readonly parameter: string;
  readonly given: unknown;
  readonly accepted: string;
}

/** Worth another try soon: the model and Temporal are asked again at each request. */
const RETRY_SECONDS = 5;

export const noSuchRoute: RequestHandler = (request) => {
  throw new Problem('no-such-route', `${request.method} ${request.path} is not a route of this API`);
};

/** Answers every error with a problem. What the client is told is written here: no message of an inner error leaves. */
export function answerProblem(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    const problem = problemOf(error);
    const { status, title } = problemTypes[problem.type];
    const id = requestId(response);
    if (status >= 500)
      log[status === 500 ? 'error' : 'warn'](
        {
          request_id: id,
          problem: problem.type,
          error,
        },
        'problem answered',
      );
    if (response.headersSent) {
      next(error); // the answer is half out: express cuts the connection
      return;
    }
    const { retryAfterSeconds, challenge, invalid } = problem.extra;
    if (challenge !== undefined) response.set('WWW-Authenticate', challenge);
    if (retryAfterSeconds !== undefined) response.set('Retry-After', String(retryAfterSeconds));
    response.removeHeader('ETag');
    response.status(status).type('application/problem+json').set('Cache-Control', 'no-store');
    response.end(
      JSON.stringify({
        type: `urn:kol-cache:problem:${problem.type}`,
        title,
        status,
        detail: problem.detail,
        instance: `urn:kol-cache:request:${id}`,
        ...(invalid === undefined ? {} : { invalid }),
      }),
    );
  };
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof SourceUnavailableError) {
    const { entity, retryAfterSeconds } = error;
    return new Problem('lakehouse-unavailable', `This ${entity} is not cached; try again soon`, {
      retryAfterSeconds,
    });
  }
  if (error instanceof MlApiUnavailableError)
    return new Problem('model-unavailable', 'The trust score model does not answer; try again soon', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  if (error instanceof ScoreRefusedError)
    return new Problem('score-refused', 'The model refuses the features known of this KOL');
  if (error instanceof TemporalUnavailableError)
    return new Problem('temporal-unavailable', 'Temporal does not answer, or has no worker; try again soon', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  // What express and its router throw for a request that cannot be read, such as %E0 in a path.
  if (error instanceof Error && 'status' in error && error.status === 400)
    return new Problem('malformed-request', 'The path is not valid percent-encoded UTF-8');
  return new Problem('internal-error', 'An unexpected error; its reason is in the log under the request id');
}
