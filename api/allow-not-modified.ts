import type { RequestHandler } from 'express';

/**
 * Lets a conditional request with `Cache-Control: no-cache` get a 304. fetch adds that header to each request with If-None-Match,
 * and Express then sends the whole body. The header asks caches to validate, which this API does for every answer.
 */
export const allowNotModified: RequestHandler = (request, _response, next) => {
  if (request.headers['if-none-match'] !== undefined) delete request.headers['cache-control'];
  next();
};
