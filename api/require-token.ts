import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { Problem } from './problem.ts';

const REALM = 'Bearer realm="kol-cache"';

/** Tells whether a request has the token. @param token undefined for none */
export function tokenCheck(token: string | undefined): (request: Request) => boolean {
  if (token === undefined) return () => false;
  const expected = digest(token);
  return (request) => {
    const given = tokenOf(request);
    // Compare digests: they have the same length, and the comparison takes constant time.
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

/**
 * Accepts only requests with `Authorization: Bearer <token>` (RFC 6750).
 * @param token the expected token; undefined rejects every request
 */
export function requireToken(token: string | undefined): RequestHandler {
  if (token === undefined)
    return () => {
      throw new Problem(
        'triggers-off',
        'Calls that need the token are off in this deployment; set API_TOKEN to enable them',
      );
    };
  const hasToken = tokenCheck(token);
  return (request, _response, next) => {
    if (tokenOf(request) === undefined)
      throw new Problem('unauthorized', 'Send the header Authorization: Bearer <token>', {
        challenge: REALM,
      });
    if (!hasToken(request))
      throw new Problem('unauthorized', 'The token is not valid', {
        challenge: `${REALM}, error="invalid_token"`,
      });
    next();
  };
}

const tokenOf = (request: Request): string | undefined =>
  /^Bearer +(.+)$/i.exec(request.get('Authorization') ?? '')?.[1];

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
