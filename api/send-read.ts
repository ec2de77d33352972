import type { Response } from 'express';
import type { ReadResult } from '../cache/reading/read-through.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import type { Freshness } from './freshness.ts';
import { Problem } from './problem.ts';

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
  freshness: Freshness,
  body: object,
): void {
  response.set('Cache-Status', cacheStatus(read));
  const age = ageSeconds(read, freshness.ttlSeconds);
  response.set('Age', String(age));
  response.set('Cache-Control', cacheControl(freshness, age));
  const updatedMs = isoTimeMs(read.updatedAt ?? '');
  if (!Number.isNaN(updatedMs)) response.set('Last-Modified', new Date(updatedMs).toUTCString());
  response.json(body); // Express adds an ETag, and answers 304 when If-None-Match has the same
}

/** Seconds since the value was cached or validated by a warm. */
export const ageSeconds = ({ outcome, ttlSeconds: left }: ReadResult<unknown>, ttlSeconds: number): number =>
  outcome === 'hit' && left !== undefined ? Math.max(0, ttlSeconds - left) : 0;

/** The Cache-Control header (RFC 9111, RFC 5861). `max-age` counts from the time of caching, as `Age` does. */
export function cacheControl(freshness: Freshness, age: number): string {
  const { ttlSeconds, keepSeconds, staleWhileRevalidate, staleIfError } = freshness;
  if (keepSeconds === 0) return 'no-cache';
  const left = Math.max(0, Math.min(keepSeconds, ttlSeconds - age));
  return `max-age=${age + left}, stale-while-revalidate=${staleWhileRevalidate}, stale-if-error=${staleIfError}`;
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
