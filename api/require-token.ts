import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { Problem } from './problem.ts';

const REALM = 'Bearer realm="kol-cache"';

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
  const expected = digest(token);
  return (request, _response, next) => {
    const given = /^Bearer +(.+)$/i.exec(request.get('Authorization') ?? '')?.[1];
    if (given === undefined)
      throw new Problem('unauthorized', 'Send the header Authorization: Bearer <token>', {
        challenge: REALM,
      });
    // Digests have the same length, and the comparison takes the same time for every input.
    if (!timingSafeEqual(digest(given), expected))
      throw new Problem('unauthorized', 'The token is not valid', {
        challenge: `${REALM}, error="invalid_token"`,
      });
    next();
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
