import type { Response } from 'express';
import { ageSeconds } from '../cache/reading/age.ts';
import type { LocalEntry } from '../cache/reading/local-tier.ts';
import {
  localAnswer,
  secondsUntil,
  type ReadOutcome,
  type ReadResult,
} from '../cache/reading/read-result.ts';
import { isoTimeMs } from '../domain/values/iso-time.ts';
import { Answer, sendAnswer, type HeaderList } from './answer.ts';
import type { Freshness } from './freshness.ts';
import { Problem } from './problem.ts';
import { SOURCE_VERSION } from './source-version.ts';

/** The value of a read. @throws Problem (404) with this detail when the value is null */
export function valueOf<T>(response: Response, read: ReadResult<T>, missing: string): T {
  if (read.value !== null) return read.value;
  response.set('Cache-Status', cacheStatus(read));
  throw new Problem('not-found', missing);
}

/**
 * Sends a body that is built from a read, with headers for its source and age. After a local hit, later requests of the same URL get the
 * same body before Express sees them. If the body contains other values too, use `sendMixed`.
 */
export function sendRead(
  response: Response,
  read: ReadResult<unknown>,
  freshness: Freshness,
  body: object,
): void {
  const { entry } = read;
  const { req: request } = response;
  const lastModified = freshness.isMixed ? undefined : lastModifiedOf(read);
  const kept = entry?.answer(request.originalUrl);
  const ready =
    kept instanceof ReadyAnswer
      ? kept
      : new ReadyAnswer(new Answer(body), freshness, lastModified, read.lastWarm);
  response.vary('Accept-Encoding');
  sendAnswer(request, response, ready.answer, headOf(read, freshness, lastModified), lastModified);
  if (entry !== undefined && ready !== kept) keepReady(entry, request.originalUrl, ready);
}

function keepReady(entry: LocalEntry, url: string, ready: ReadyAnswer): void {
  entry.attach(url, ready, ready.answer.bytes);
  if (entry.answer(url) === ready) ready.answer.compressLater();
}

/** Sends a body that also contains other values than that of the read. It is built for each request, and has no single version. */
export const sendMixed: typeof sendRead = (response, { entry: _, ...read }, freshness, body) =>
  sendRead(response, read, { ...freshness, isMixed: true }, body);

/** An answer that is stored with the L1 value from which it was built. */
export class ReadyAnswer {
  #head: { readonly ttlSeconds: number; readonly list: HeaderList } | undefined;

  constructor(
    readonly answer: Answer,
    private readonly freshness: Freshness,
    readonly lastModified: string | undefined,
    private readonly lastWarm: ReadResult<unknown>['lastWarm'],
  ) {}

  /** Like `headOf` for the current time. It changes once a second. */
  headAt(entry: LocalEntry): HeaderList {
    const ttlSeconds = secondsUntil(entry.expiresAt);
    if (this.#head?.ttlSeconds !== ttlSeconds) {
      const { lastWarm } = this;
      const read = { ...localAnswer(entry), collapsed: false, ...(lastWarm && { lastWarm }) };
      this.#head = { ttlSeconds, list: headOf(read, this.freshness, this.lastModified) };
    }
    return this.#head.list;
  }
}

/** The headers of an answer for the source and age of its value. */
function headOf(
  read: ReadResult<unknown>,
  freshness: Freshness,
  lastModified: string | undefined,
): HeaderList {
  const age = ageOf(read, freshness.ttlSeconds);
  const head = [
    'Cache-Status',
    cacheStatus(read),
    'Age',
    String(age),
    'Cache-Control',
    read.refused ? 'no-store' : cacheControl(freshness, age),
  ];
  if (lastModified !== undefined) head.push('Last-Modified', lastModified);
  const version = freshness.isMixed ? undefined : read.lastWarm?.()?.versions;
  if (version !== undefined) head.push(SOURCE_VERSION, version);
  return head;
}

function lastModifiedOf({ updatedAt }: ReadResult<unknown>): string | undefined {
  const updatedMs = isoTimeMs(updatedAt ?? '');
  return Number.isNaN(updatedMs) ? undefined : new Date(updatedMs).toUTCString();
}

/** Whether the value was in a cache. */
export const isHit = ({ outcome }: Pick<ReadResult<unknown>, 'outcome'>): boolean =>
  outcome === 'hit' || outcome === 'local-hit' || outcome === 'stale';

/** The Age header: 0 for a value that was read from the source for this request. */
export const ageOf = (read: ReadResult<unknown>, ttlSeconds: number): number =>
  isHit(read) ? ageSeconds(read, ttlSeconds) : 0;

/** The Cache-Control header (RFC 9111, RFC 5861). `max-age` counts from the time of the read, as `Age` does. */
export function cacheControl(freshness: Freshness, age: number): string {
  const { ttlSeconds, keepSeconds, staleWhileRevalidate, staleIfError } = freshness;
  if (keepSeconds === 0) return 'no-cache';
  const left = Math.max(0, Math.min(keepSeconds, ttlSeconds - age));
  return `max-age=${age + left}, stale-while-revalidate=${staleWhileRevalidate}, stale-if-error=${staleIfError}`;
}

/** The Cache-Status header (RFC 9211): which tier answered this request, and how. */
export function cacheStatus({ outcome, ttlSeconds, collapsed, refused }: ReadResult<unknown>): string {
  const parts = [outcome === 'local-hit' || outcome === 'stale' ? 'kol-l1' : 'kol-redis'];
  switch (outcome) {
    case 'local-hit':
    case 'stale':
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
    case 'refresh':
      parts.push('fwd=request');
      if (ttlSeconds !== undefined) parts.push('stored');
      break;
    case 'bypass':
      parts.push('fwd=bypass', 'detail=redis-unavailable');
      break;
  }
  if (refused) parts.push('detail=table-shrunk');
  // RFC 9211 defines `collapsed` for forwarded requests only.
  if (collapsed && isForwarded(outcome)) parts.push('collapsed');
  return parts.join('; ');
}

const isForwarded = (outcome: ReadOutcome): boolean =>
  outcome === 'miss' || outcome === 'bypass' || outcome === 'refresh';
