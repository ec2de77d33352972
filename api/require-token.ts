import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler } from 'express';
import { Problem } from './problem.ts';

const REALM = 'Bearer realm="kol-cache"';

/**
 * Lets only those through who send `Authorization: Bearer <token>` (RFC 6750).
 * @param token without one, nobody
 */
export function requireToken(token: string | undefined): RequestHandler {
  if (token === undefined)
    return () => {
      throw new Problem('triggers-off', 'This deployment has no token for it: set API_TOKEN to switch it on');
    };
  const expected = digest(token);
  return (request, _response, next) => {
    const given = /^Bearer +(.+)$/i.exec(request.get('Authorization') ?? '')?.[1];
    if (given === undefined)
      throw new Problem('unauthorized', 'Send Authorization: Bearer and the token', { challenge: REALM });
    // Digests are equally long, and comparing them takes as long whatever was sent.
    if (!timingSafeEqual(digest(given), expected))
      throw new Problem('unauthorized', 'The token is not valid', {
        challenge: `${REALM}, error="invalid_token"`,
      });
    next();
  };
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
