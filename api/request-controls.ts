import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { ReadControls } from '../cache/reading/read-controls.ts';
import {
  isDemanding,
  parseRequestDirectives,
  type RequestDirectives,
} from '../domain/values/request-directives.ts';

/** Requests without the token that may refresh cached values, for each process: a refresh is a query on the lakehouse. */
const REFRESHES_PER_MINUTE = 10;

/** What a request demands of cached answers; undefined when it accepts any. */
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
    // All reads of a request share one permission.
    let permission: Promise<boolean> | undefined;
    const mayRefresh = () => (permission ??= hasToken(request) ? Promise.resolve(true) : isInBudget());
    return { ...directives, mayRefresh };
  };
}

/** The directives of a request. Beside If-None-Match, `no-cache` and `max-age=0` only ask for validation, which a 304 is. */
export function directivesOf(headers: IncomingHttpHeaders): RequestDirectives | undefined {
  const header = headers['cache-control'];
  if (header === undefined) return undefined;
  const directives = parseRequestDirectives(header);
  if (directives === undefined || headers['if-none-match'] === undefined) return directives;
  const { maxAge, ...rest } = { ...directives, noCache: false };
  const validated = maxAge === 0 ? rest : { maxAge, ...rest };
  return isDemanding(validated) ? validated : undefined;
}
