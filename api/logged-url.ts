import type { Request } from 'express';
import type { Route } from './route.ts';

/** The routes that need the token, for which the log has the path of the route instead of the URL. */
interface GuardedPath {
  readonly path: string;
  readonly pattern: RegExp;
  readonly methods: readonly string[];
  /** Only with this query parameter. */
  readonly parameter: string | undefined;
}

/**
 * Says what the log tells of the URL of a request. Requests that need the token name persons: whom an erasure removes, and which user
 * searches for what. Their line has the path of the route, such as /api/v1/kols/:id, whether they have the token or not. This does not
 * depend on the router, because the rate limit and the preflight of a browser answer before it.
 */
export function createLoggedUrl(routes: readonly Route[]): (request: Request) => string {
  const guarded = routes.flatMap(({ method, path, token }): GuardedPath[] => {
    if (token === 'none') return [];
    const methods = [method.toUpperCase(), ...(method === 'get' ? ['HEAD'] : []), 'OPTIONS'];
    const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}/?$`);
    return [{ path, pattern, methods, parameter: token === 'required' ? undefined : token.with }];
  });
  return ({ method, originalUrl }) => {
    const [path = '', query] = originalUrl.split('?', 2);
    const found = guarded.find(
      ({ pattern, methods, parameter }) =>
        methods.includes(method) &&
        pattern.test(path) &&
        (parameter === undefined || new URLSearchParams(query).has(parameter)),
    );
    return found?.path ?? originalUrl;
  };
}
