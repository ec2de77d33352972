import express, { type RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** A load with as many ids as one may have takes less. */
const MAX_BODY_KIB = 256;

const parse = express.json({ type: 'application/json', limit: MAX_BODY_KIB * 1024 });

/** Reads a JSON body into `request.body`; a request without a body has none. Other bodies are refused. */
export const jsonBody: RequestHandler = (request, response, next) => {
  const empty = request.get('Content-Length') === '0';
  if (!empty && request.is('application/json') === false)
    throw new Problem('unsupported-media-type', 'A body has to be application/json');
  parse(request, response, (error?: unknown) => {
    if (error === undefined) next();
    else next(bodyProblem(error));
  });
};

/** What the body parser throws, as a problem; anything else as it is. */
function bodyProblem(error: unknown): unknown {
  if (!(error instanceof Error && 'status' in error)) return error;
  switch (error.status) {
    case 400:
      return new Problem('malformed-request', 'The body is not valid JSON');
    case 413:
      return new Problem('body-too-large', `A body may have ${MAX_BODY_KIB} KiB`);
    case 415:
      return new Problem('unsupported-media-type', 'The encoding of the body is not known here');
    default:
      return error;
  }
}
