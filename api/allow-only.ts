import type { RequestHandler } from 'express';
import { Problem } from './problem.ts';

/** In the lower case of Express and OpenAPI. */
export type Method = 'get' | 'post' | 'patch' | 'delete';

/**
 * For a path with these methods: answers OPTIONS with the Allow header, and any other method with 405. Register it after the
 * routes of the path. Express answers HEAD as GET, without the body.
 */
export function allowOnly(...methods: readonly Method[]): RequestHandler {
  const allow = methods
    .flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
    .concat('OPTIONS')
    .join(', ');
  return (request, response) => {
    if (request.method !== 'OPTIONS')
      throw new Problem('method-not-allowed', `${request.method} is not possible here, only ${allow}`, {
        allow,
      });
    response.set('Allow', allow).status(204).end();
  };
}
