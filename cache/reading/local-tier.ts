import { EventEmitter } from 'node:events';
import { LRUCache } from 'lru-cache';
import type { RedisClient } from '../../clients/redis.ts';

/** A value in the memory of this process, read from Redis, or from the source while Redis does not answer. */
export interface LocalEntry<T = unknown> {
  readonly value: T;
  /** When the value was read from its source, ISO 8601. */
  readonly updatedAt: string | undefined;
  /** When the value was read from Redis, on the clock of `performance.now`. */
  readonly readAt: number;
  /** When the value expires in Redis, on that clock. */
  readonly expiresAt: number;
  /** When it must be read from the source again, on that clock: its expiry in Redis, or in this process if Redis does not have it. */
  readonly refreshBefore: number;
  /** The value is fresh until this time, on that clock. Then it is stale. */
  readonly freshUntil: number;
  readonly bytes: number;
  /** Call it for a read of the value that bypasses the read path. */
  readonly onRead: () => void;
  /** Stores an answer that is built from this value only, under its URL, for as long as the value is kept. */
  readonly attach: (url: string, answer: object, bytes: number) => void;
  /** The answer that is stored under this URL. */
  readonly answer: (url: string) => object | undefined;
}

/** An answer and the value that it was built from. */
interface Attached {
  readonly key: string;
  readonly entry: LocalEntry;
  readonly answer: object;
}

/** A value to keep, without the members that the tier adds. */
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
  /** Call it after the last `keep`. */
  readonly end: () => void;
}

/** A connection whose reads Redis tracks. */
interface TrackedRedis {
  readonly redis: RedisClient;
  /** Whether Redis currently reports changes of every key that `redis` reads. */
  readonly isTracked: () => boolean;
}

/** Waits for a report of Redis. Combine it with a timer, because a report can be lost with its connection. */
interface KeyWatch {
  /** Read the keys over this connection after the watch has begun. Only then Redis reports their next change. */
  readonly redis: RedisClient;
  /** Aborts when Redis has reported a change of one of the keys. */
  readonly changed: AbortSignal;
  readonly end: () => void;
}

/** The first tier (L1): values in the memory of this process, in front of Redis. invalidations.ts keeps it consistent. */
export interface LocalTier {
  get<T>(key: string): LocalEntry<T> | undefined;
  /** A value that is no longer fresh, or whose key has expired in Redis. It may have been removed since. */
  stale<T>(key: string): LocalEntry<T> | undefined;
  /** The answer under this URL, while its value is kept. */
  attached(url: string): Attached | undefined;
  /** Begins a read of these keys. Undefined while changes are not tracked, because nothing may be kept then. */
  beginRead(keys: readonly string[]): TrackedRead | undefined;
  /** Begins to watch these keys. Undefined while changes are not tracked. */
  watch(keys: readonly string[]): KeyWatch | undefined;
  /**
   * Keeps a value of the source that could not be written to Redis. When tracking starts again, the tier is cleared and values come from
   * Redis. If tracking works and only the commands for this key fail, for example because its master is down, the value is kept for a
   * second, because its reports are not certain. Such a value is never served as stale.
   */
  keepUntracked<T>(key: string, kept: KeptValue<T>): void;
  /** Reads values over this connection from now on. */
  follow(tracked: TrackedRedis): void;
  /**
   * Handles a report of Redis: wakes watchers, and drops the value of the key and its read in flight. If the TTL has ended, the value stays
   * as stale.
   */
  invalidate(key: string): void;
  /** Drops a key that does not exist in the source. */
  drop(key: string): void;
  /** Drops the reads in flight, because changes since their start may have been missed. */
  dropReads(): void;
  /** Drops everything. */
  clear(): void;
  /** Switches the tier on or off, and sets the maximum age of a value. A change drops everything. */
  configure(settings: { readonly isOn: boolean; readonly ttlSeconds: number }): void;
}

export interface LocalTierOptions {
  /** Memory limit for values and answers together. */
  readonly maxBytes: number;
  /** Maximum age of a value. It limits how old a value can be if a report of its change is lost. */
  readonly ttlSeconds: number;
  /** How long a value is kept as stale after that. */
  readonly staleSeconds: number;
}

/** Maximum age of a value that may miss reports, although Redis reports changes of other keys. */
const UNREPORTED_MS = 1000;

/** Memory of an answer in addition to its body: headers and objects. */
const ANSWER_BYTES = 1500;
/** Answers of longer URLs are not kept. The same parameters have endless spellings, and no client repeats such a URL often. */
const MAX_URL = 1024;

/** lru-cache allocates its lists for the maximum number of entries: about 4 MB for both. */
const MAX_ENTRIES = 50_000;

const isFresh = ({ freshUntil }: LocalEntry): boolean => performance.now() < freshUntil;

const refreshedBefore = (refreshBefore: number, { onRead }: Pick<KeptValue<unknown>, 'onRead'>) => ({
  refreshBefore,
  onRead: () => onRead(refreshBefore),
});

/** The newest read in flight of each key. A read that is not in this map must not keep its values. */
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

/** Watches of keys, aborted by reports of Redis. */
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

/** Answers by their URLs. */
function createAnswers(limits: { readonly max: number; readonly maxSize: number }) {
  const answers = new LRUCache<string, Attached>(limits);
  return {
    attach(url: string, attached: Attached, bytes: number): void {
      if (url.length > MAX_URL) return;
      const { entry } = attached;
      // The answer holds a reference to the value, which may be dropped earlier. So its size includes that of the value.
      const size = ANSWER_BYTES + url.length + bytes + entry.bytes;
      answers.set(url, attached, { size, ttl: entry.freshUntil - performance.now() });
    },
    get: (url: string) => answers.get(url),
    /** The answer under this URL, if it was built from this value. */
    of(entry: LocalEntry, url: string): object | undefined {
      const found = answers.get(url);
      return found?.entry === entry ? found.answer : undefined;
    },
    clear: () => answers.clear(),
  };
}

export function createLocalTier({ maxBytes, ttlSeconds, staleSeconds }: LocalTierOptions): LocalTier {
  const limits = { max: MAX_ENTRIES, maxSize: Math.ceil(maxBytes / 2) };
  let settings = { isOn: true, ttlSeconds };
  const entries = new LRUCache<string, LocalEntry>(limits);
  const answers = createAnswers(limits);
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
      attach: (url, answer, bytes) => answers.attach(url, { key, entry, answer }, bytes),
      answer: (url) => answers.of(entry, url),
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
          // on a cluster, the read may have gone to a node that is not tracked yet
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
