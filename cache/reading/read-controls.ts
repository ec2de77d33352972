import { acceptsCached, type RequestDirectives } from '../../domain/values/request-directives.ts';
import { ageSeconds } from './age.ts';
import { NotCachedError } from './not-cached.ts';
import type { ReadResult } from './read-result.ts';
import { isUnavailable } from './source-unavailable.ts';

/** What the client of a read demands. */
export interface ReadControls extends RequestDirectives {
  /** Whether this read may query the source although a cache has an answer. */
  readonly mayRefresh: () => Promise<boolean>;
}

/** For whom a value is read. */
export interface Caller {
  /** What it demands of cached answers; undefined accepts any. */
  readonly controls?: ReadControls | undefined;
  /** Its signal aborts when it does not wait any more. A query that nobody else waits for is then cancelled. By default it waits to the end. */
  readonly client?: { readonly signal: AbortSignal } | undefined;
}

/** The ways to answer one read. */
interface ControlledRead<R> {
  readonly entity: string;
  /** TTL of the entity in Redis. */
  readonly ttlSeconds: number;
  /** What a cache has, perhaps stale; undefined when none has the value. A remembered "does not exist" has no `ttlSeconds`. */
  readonly cached: R | undefined;
  /** Reads the source after a miss, unless it is known not to have the value. */
  readonly load: () => Promise<R>;
  /** What Redis has if events wrote it: it is newer than the source, so that a refresh would not change it. */
  readonly ofEvent: () => Promise<R | undefined>;
  /** Reads the source in any case, and replaces what is cached. */
  readonly refresh: () => Promise<R>;
}

/**
 * Answers a read as its client demands. A cached answer that the client does not accept is refreshed if that is permitted and the source
 * answers; otherwise the client gets it all the same, and sees its age. What events wrote needs no refresh, and so no permission. A miss needs no permission, nor does a stale answer, which is
 * loaded like one. Only `no-cache` refreshes them too, if that is permitted: a load may know from some seconds ago that the source does
 * not have the id.
 * @throws NotCachedError when the client wants a cached answer, and no cache has one that it accepts
 */
export async function readControlled<
  R extends Pick<ReadResult<unknown>, 'outcome' | 'ttlSeconds' | 'updatedAt' | 'lastWarm'>,
>(
  controls: ReadControls,
  { entity, ttlSeconds, cached, load, ofEvent, refresh }: ControlledRead<R>,
): Promise<R> {
  const isAccepted =
    cached !== undefined &&
    acceptsCached(controls, ageSeconds(cached, ttlSeconds), cached.ttlSeconds ?? ttlSeconds);
  if (isAccepted) return cached;
  if (controls.onlyIfCached) throw new NotCachedError(entity, 'request');
  const isMiss = cached === undefined || cached.outcome === 'stale';
  const isToRefresh = !isMiss || controls.noCache;
  const newer = isToRefresh ? await ofEvent() : undefined;
  if (newer !== undefined) return newer;
  const isRefreshed = isToRefresh && (await controls.mayRefresh());
  if (!isMiss && !isRefreshed) return cached;
  try {
    return await (isRefreshed ? refresh() : load());
  } catch (error) {
    if (cached !== undefined && isUnavailable(error)) return cached;
    throw error;
  }
}
