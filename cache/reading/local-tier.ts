import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';

/** A value in the memory of this process: as it was read from Redis, or from the source while Redis does not answer. */
export interface LocalEntry<T = unknown> {
  readonly value: T;
  /** When the value was read from its source, ISO 8601. */
  readonly updatedAt: string | undefined;
  /** When the value was read from Redis, on the clock of `performance.now`. */
  readonly readAt: number;
  /** When Redis drops the value, on that clock. */
  readonly expiresAt: number;
  /** When it has to be read from the source again, on that clock: when Redis drops it, or this process if Redis does not have it. */
  readonly refreshBefore: number;
  /** Until when the value may be served, on that clock. Then it is stale. */
  readonly freshUntil: number;
  readonly bytes: number;
  /** Call it for a read of the value that does not go through the read path. */
  readonly onRead: () => void;
  /** Keeps an answer that is built from this value alone, under its URL, as long as the value is kept. */
  readonly attach: (url: string, answer: object, bytes: number) => void;
}

/** An answer and the value that it was built from. */
interface Attached {
  readonly key: string;
  readonly entry: LocalEntry;
  readonly answer: object;
}

/** What is to be kept of a read: all but what the tier adds. */
export type KeptValue<T> = Pick<LocalEntry<T>, 'value' | 'updatedAt' | 'readAt' | 'expiresAt' | 'bytes'> & {
  /** Called for each read of the value, with its `refreshBefore`. */
  readonly onRead: (refreshBefore: number) => void;
};

/** A read of Redis whose values may be kept. */
interface TrackedRead {
  /** The connection whose reads Redis tracks. */
  readonly redis: RedisClient;
  /** Keeps a value, unless it may have changed since the read began. */
  readonly keep: <T>(key: string, kept: KeptValue<T>) => void;
  /** Call it when all values are kept. */
  readonly end: () => void;
}

/** The connections on which Redis reports changes. */
interface TrackedRedis {
  readonly redis: RedisClient;
  /** Whether Redis reports the changes of every key that `redis` can read now. */
  readonly isTracked: () => boolean;
}

/** Waits for a report of Redis. It needs a timer behind it: a report can be lost with its connection. */
interface KeyWatch {
  /** The connection over which the keys must be read after the watch began, so that Redis reports their next change. */
  readonly redis: RedisClient;
  /** Aborts when Redis has reported a change of one of the keys. */
  readonly changed: AbortSignal;
  readonly end: () => void;
}

/** The first tier (L1): values in the memory of this process, over Redis. invalidations.ts keeps them right. */
export interface LocalTier {
  get<T>(key: string): LocalEntry<T> | undefined;
  /** A value that was not read again in time, or whose key has expired in Redis. It may have been removed since. */
  stale<T>(key: string): LocalEntry<T> | undefined;
  /** The answer that is attached to a value under this URL, while the value is kept. */
  attached(url: string): Attached | undefined;
  /** Begins a read of these keys. Undefined while changes are not tracked: nothing may be kept then. */
  beginRead(keys: readonly string[]): TrackedRead | undefined;
  /** Begins to wait for a change of one of these keys. Undefined while changes are not tracked. */
  watch(keys: readonly string[]): KeyWatch | undefined;
  /**
   * Keeps a value of the source that could not be written to Redis. When Redis reports changes again, the tier is emptied and values come from
   * Redis. If it does report changes, only the commands for this key fail, for example because its master is down: then the value is kept
   * for a second, because no report is certain. Such a value is never served as stale.
   */
  keepUntracked<T>(key: string, kept: KeptValue<T>): void;
  /** From now on, values come from this Redis. */
  follow(tracked: TrackedRedis): void;
  /** Handles a report of Redis: wakes who waits for it, and drops the value of the key and its read in flight. A value whose TTL has ended stays, as stale. */
  invalidate(key: string): void;
  /** Drops a key that the source does not have. */
  drop(key: string): void;
  /** Drops the reads in flight: changes may have been missed since they began. */
  dropReads(): void;
  /** Drops everything. */
  clear(): void;
  /** Switches the tier on or off, and changes how long a value is kept at most. A change drops everything. */
  configure(settings: { readonly isOn: boolean; readonly ttlSeconds: number }): void;
}

export interface LocalTierOptions {
  /** Upper limit of the memory for values and answers together. */
  readonly maxBytes: number;
  /** How long a value is kept at most. Bounds how old it can be when a report of its change is lost. */
  readonly ttlSeconds: number;
  /** How long a stale value is kept after that. */
  readonly staleSeconds: number;
}

/** How long a value is kept at most whose changes may not be reported, though Redis reports those of other keys. */
const UNREPORTED_MS = 1000;

/** What an answer takes beside its body: its headers and objects. */
const ANSWER_BYTES = 1500;
/** Answers of longer URLs are not kept: parameters can be written in endless ways, and no client needs such a URL again and again. */
const MAX_URL = 1024;

/** lru-cache allocates its lists for the maximum number of entries: about 4 MB for both. */
const MAX_ENTRIES = 50_000;

const isFresh = ({ freshUntil }: LocalEntry): boolean => performance.now() < freshUntil;

const refreshedBefore = (refreshBefore: number, { onRead }: Pick<KeptValue<unknown>, 'onRead'>) => ({
  refreshBefore,
  onRead: () => onRead(refreshBefore),
});

/** The newest read in flight of each key. A read that is no longer here must not keep what it has read. */
function createReadsInFlight() {
  const reads = new Map<string, object>();
  return {
    begin(keys: readonly string[]) {
      const read = {};
      for (const key of keys) reads.set(key, read);
      const isNewest = (key: string): boolean => reads.get(key) === read;
      return { isNewest, end: () => keys.filter(isNewest).forEach((key) => reads.delete(key)) };
    },
    drop: (key: string) => void reads.delete(key),
    clear: () => reads.clear(),
  };
}

/** Wakes those who wait for a report of Redis on a key. */
function createKeyWatches() {
  const reports = new EventEmitter().setMaxListeners(0);
  return {
    /** Begins to wait. `changed` aborts at the first report on one of these keys. */
    watch(keys: readonly string[]) {
      const change = new AbortController();
      const onReport = () => change.abort();
      for (const key of keys) reports.on(key, onReport);
      const end = (): void => keys.forEach((key) => reports.off(key, onReport));
      return { changed: change.signal, end };
    },
    report: (key: string): void => void reports.emit(key),
  };
}

export function createLocalTier({ maxBytes, ttlSeconds, staleSeconds }: LocalTierOptions): LocalTier {
  const limits = { max: MAX_ENTRIES, maxSize: Math.ceil(maxBytes / 2) };
  let settings = { isOn: true, ttlSeconds };
  const entries = new LRUCache<string, LocalEntry>(limits);
  const answers = new LRUCache<string, Attached>(limits);
  const reads = createReadsInFlight();
  let followed: TrackedRedis | undefined;
  const tracked = () => (settings.isOn && followed?.isTracked() === true ? followed : undefined);
  const watches = createKeyWatches();

  function keep<T>(key: string, kept: KeptValue<T>, isTracked: boolean, maxMs = Infinity): void {
    const now = performance.now();
    if (kept.expiresAt <= now) return;
    const freshUntil = Math.min(kept.expiresAt, now + Math.min(settings.ttlSeconds * 1000, maxMs));
    const entry: LocalEntry<T> = {
      ...kept,
      ...refreshedBefore(isTracked ? kept.expiresAt : freshUntil, kept),
      freshUntil,
      // The answer refers to the value, so its size includes that of the value, which may be dropped first.
      attach(url, answer, bytes) {
        if (url.length > MAX_URL) return;
        const size = ANSWER_BYTES + url.length + bytes + entry.bytes;
        answers.set(url, { key, entry, answer }, { size, ttl: entry.freshUntil - now });
      },
    };
    const staleMs = isTracked ? staleSeconds * 1000 : 0;
    entries.set(key, entry, { size: entry.bytes, ttl: entry.freshUntil - now + staleMs });
  }

  function held<T>(key: string, isWantedFresh: boolean): LocalEntry<T> | undefined {
    const entry = entries.get(key) as LocalEntry<T> | undefined;
    return entry !== undefined && isFresh(entry) === isWantedFresh ? entry : undefined;
  }

  const clear = (): void => [reads, entries, answers].forEach((memory) => memory.clear());

  return {
    get: <T>(key: string) => held<T>(key, true),
    stale: <T>(key: string) => held<T>(key, false),
    attached(url) {
      const found = answers.get(url);
      return found && isFresh(found.entry) && entries.get(found.key) === found.entry ? found : undefined;
    },
    beginRead(keys) {
      const connection = tracked();
      if (connection === undefined) return undefined;
      const { redis, isTracked } = connection;
      const { isNewest, end } = reads.begin(keys);
      return {
        ...{ redis, end },
        keep(key, kept) {
          // A cluster may have sent the read to a node that is not tracked yet.
          if (isNewest(key) && isTracked()) keep(key, kept, true);
        },
      };
    },
    watch(keys) {
      const connection = tracked();
      return connection && { redis: connection.redis, ...watches.watch(keys) };
    },
    keepUntracked(key, kept) {
      if (settings.isOn) keep(key, kept, false, followed?.isTracked() === true ? UNREPORTED_MS : Infinity);
    },
    follow: (tracked) => void (followed = tracked),
    invalidate(key) {
      reads.drop(key);
      watches.report(key);
      const entry = entries.peek(key);
      if (entry !== undefined && performance.now() < entry.expiresAt) entries.delete(key);
    },
    drop: (key) => void entries.delete(key),
    dropReads: () => reads.clear(),
    clear,
    configure(wanted) {
      if (wanted.isOn === settings.isOn && wanted.ttlSeconds === settings.ttlSeconds) return;
      settings = { ...wanted };
      clear();
    },
  };
}
