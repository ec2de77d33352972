import express, { type RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** The largest ETL load (1000 ids of 256 characters) is smaller than this, even if each character is escaped (`\u4e00`). */
const MAX_BODY_MIB = 2;

const parse = express.json({ type: 'application/json', limit: MAX_BODY_MIB * 1024 * 1024 });

/**
 * Parses a JSON body into `request.body`, which stays undefined for a request without a body.
 * @throws Problem for a body that is not JSON, or too large
 */
export const jsonBody: RequestHandler = (request, response, next) => {
  const empty = request.get('Content-Length') === '0';
  if (!empty && request.is('application/json') === false)
    throw new Problem('unsupported-media-type', 'The body must be application/json');
  parse(request, response, (error?: unknown) => {
    if (error === undefined) next();
    else next(bodyProblem(error));
  });
};

/** Translates an error of the body parser into a problem. Returns any other error unchanged. */
function bodyProblem(error: unknown): unknown {
  if (!(error instanceof Error && 'status' in error)) return error;
  switch (error.status) {
    case 400:
      return new Problem('malformed-request', 'The body is not valid JSON');
    case 413:
      return new Problem('body-too-large', `The body must not exceed ${MAX_BODY_MIB} MiB`);
    case 415:
      return new Problem('unsupported-media-type', 'The content encoding of the body is not supported');
    default:
      return error;
  }
}
