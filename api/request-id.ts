import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

/** Ids that may go into logs, headers and URNs as they are. */
const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** Gives each request an id: the caller's `x-request-id` where that is sane, else a new one. */
export const assignRequestId: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id');
  const id = given !== undefined && SANE.test(given) ? given : randomUUID();
  response.set('X-Request-Id', id);
  next();
};

/** The id of the request that this response answers. */
export const requestId = (response: Response): string => response.get('X-Request-Id') ?? '';
