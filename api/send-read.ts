import type { Response } from 'express';
import type { ReadResult } from '../cache/reading/read-through.ts';
import { Problem } from './problem.ts';

/** How answers made of one entity may be kept by clients. */
export interface Freshness {
  /** TTL of the entity in the cache; answers are kept as long as Redis keeps them. */
  readonly ttlSeconds: number;
  /** Clients must ask each time (304 is cheap), since the value may be replaced within seconds. */
  readonly revalidate?: boolean;
}

/** The value that was read. @throws Problem (404) with this detail when there is none */
export function valueOf<T>(response: Response, read: ReadResult<T>, missing: string): T {
  response.set('Cache-Status', cacheStatus(read));
  if (read.value === null) throw new Problem('not-found', missing);
  return read.value;
}

/** Answers with a body made of what was read, and says where it came from and how old it is. */
export function sendRead(
  response: Response,
  read: ReadResult<unknown>,
  { ttlSeconds, revalidate = false }: Freshness,
  body: object,
): void {
  const age = read.outcome === 'hit' && read.ttlSeconds !== undefined ? ttlSeconds - read.ttlSeconds : 0;
  response.set('Cache-Status', cacheStatus(read));
  response.set('Age', String(Math.max(0, age)));
  response.set('Cache-Control', revalidate ? 'no-cache' : `max-age=${ttlSeconds}`);
  response.json(body); // express adds a weak ETag of the content, and answers 304 where it matches
}

/** RFC 9211: what the cache did with this request. */
export function cacheStatus({ outcome, ttlSeconds, collapsed }: ReadResult<unknown>): string {
  const parts = ['kol-redis'];
  switch (outcome) {
    case 'hit':
      parts.push('hit');
      if (ttlSeconds !== undefined) parts.push(`ttl=${ttlSeconds}`);
      break;
    case 'negative':
      parts.push('hit', 'detail=negative');
      break;
    case 'miss':
      parts.push('fwd=uri-miss');
      if (ttlSeconds !== undefined) parts.push('stored');
      break;
    case 'bypass':
      parts.push('fwd=bypass', 'detail=redis-unavailable');
      break;
  }
  // RFC 9211 knows `collapsed` of forwarded requests only.
  if (collapsed && (outcome === 'miss' || outcome === 'bypass')) parts.push('collapsed');
  return parts.join('; ');
}
