import { acceptsCached, type RequestDirectives } from '../../domain/values/request-directives.ts';
import { ageSeconds } from './age.ts';
import { NotCachedError } from './not-cached.ts';
import type { ReadResult } from './read-result.ts';
import { isUnavailable } from './source-unavailable.ts';

/** The demands of a client on a read. */
export interface ReadControls extends RequestDirectives {
  /** Whether this read may query the source although a cache has an answer. */
  readonly mayRefresh: () => Promise<boolean>;
}

/** The caller of a read. */
export interface Caller {
  /** Its demands on cached answers; undefined accepts any. */
  readonly controls?: ReadControls | undefined;
  /**
   * Its signal aborts when the caller stops waiting. The query is then cancelled unless other callers wait for it. By default the caller
   * waits to the end.
   */
  readonly client?: { readonly signal: AbortSignal } | undefined;
}

/** The ways to answer one read. */
interface ControlledRead<R> {
  readonly entity: string;
  /** TTL of the entity in Redis. */
  readonly ttlSeconds: number;
  /** The cached answer, possibly stale; undefined if there is none. A remembered "does not exist" has no `ttlSeconds`. */
  readonly cached: R | undefined;
  /** Reads the source after a miss, unless the id is known not to exist. */
  readonly load: () => Promise<R>;
  /** The value in Redis if events wrote it. It is newer than the source, so a refresh would not change it. */
  readonly ofEvent: () => Promise<R | undefined>;
  /** Always reads the source, and replaces the cached value. */
  readonly refresh: () => Promise<R>;
}

/**
 * Answers a read according to the demands of its client.
 * - A cached answer that the client does not accept is refreshed if that is permitted and the source answers. Otherwise the client gets the
 *   cached answer, and sees its age.
 * - A value that events wrote needs no refresh, and so no permission.
 * - A miss or a stale answer is loaded without permission.
 * - With `no-cache` and permission, a miss or stale answer is refreshed instead: a load may use the knowledge of some seconds ago that the
 *   id does not exist.
 * @throws NotCachedError when the client wants only a cached answer, and there is none that it accepts
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
