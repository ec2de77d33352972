import type { RequestHandler } from 'express';

/** For answers that show the state of this moment: nobody may keep them. */
export const noStore: RequestHandler = (_request, response, next) => {
  response.set('Cache-Control', 'no-store');
  next();
};
