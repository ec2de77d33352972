import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ReadControls } from '../cache/reading/read-controls.ts';
import {
  isDemanding,
  parseRequestDirectives,
  type RequestDirectives,
} from '../domain/values/request-directives.ts';

/** Budget of each process for refreshes by requests without the token. A refresh queries the lakehouse. */
const REFRESHES_PER_MINUTE = 10;

/** The demands of a request on cached answers; undefined when it accepts any. */
export type ControlsOf = (request: Request) => ReadControls | undefined;

/**
 * Reads the Cache-Control header of requests.
 * @param hasToken requests with the token may always refresh
 */
export function createRequestControls(hasToken: (request: Request) => boolean): ControlsOf {
  const budget = new RateLimiterMemory({ points: REFRESHES_PER_MINUTE, duration: 60 });
  const isInBudget = () =>
    budget.consume('refreshes').then(
      () => true,
      () => false,
    );
  return (request) => {
    const directives = directivesOf(request.headers);
    if (directives === undefined) return undefined;
    // all reads of a request share one permission
    let permission: Promise<boolean> | undefined;
    const mayRefresh = () => (permission ??= hasToken(request) ? Promise.resolve(true) : isInBudget());
    return { ...directives, mayRefresh };
  };
}

/** The directives of a request. With If-None-Match, `no-cache` and `max-age=0` only ask for validation, and a 304 is one. */
export function directivesOf(headers: IncomingHttpHeaders): RequestDirectives | undefined {
  const header = headers['cache-control'];
  if (header === undefined) return undefined;
  const directives = parseRequestDirectives(header);
  if (directives === undefined || headers['if-none-match'] === undefined) return directives;
  const { maxAge, ...rest } = { ...directives, noCache: false };
  const validated = maxAge === 0 ? rest : { maxAge, ...rest };
  return isDemanding(validated) ? validated : undefined;
}
