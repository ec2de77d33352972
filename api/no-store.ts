import type { RequestHandler } from 'express';

/** For answers with the current state: caches must not store them. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};
