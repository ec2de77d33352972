import type { Response } from 'express';
import type { ReadResult } from '../cache/reading/read-through.ts';
import { Problem } from './problem.ts';

/** How long clients may keep answers that are built from one entity. */
export interface Freshness {
  /** TTL of the entity in Redis. Clients may keep an answer for the same time. */
  readonly ttlSeconds: number;
  /** Clients must revalidate on each use (a 304 is cheap), because the value may be replaced within seconds. */
  readonly revalidate?: boolean;
}

/** The value of a read. @throws Problem (404) with this detail when the value is null */
export function valueOf<T>(response: Response, read: ReadResult<T>, missing: string): T {
  response.set('Cache-Status', cacheStatus(read));
  if (read.value === null) throw new Problem('not-found', missing);
  return read.value;
}

/** Sends a body that is built from a read, with headers for its source and age. */
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
  response.json(body); // Express adds a weak ETag, and answers 304 when If-None-Match has the same
}

/** The Cache-Status header (RFC 9211): what the cache did with this request. */
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
  // RFC 9211 defines `collapsed` for forwarded requests only.
  if (collapsed && (outcome === 'miss' || outcome === 'bypass')) parts.push('collapsed');
  return parts.join('; ');
}
