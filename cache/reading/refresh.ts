import type { RedisClient } from '../../clients/redis.ts';
import type { CacheMiss } from './fill-entry.ts';
import type { Leases } from './leases.ts';
import { isNothing, type Loader } from './load-and-fill.ts';
import { lookUp, type CacheHit } from './look-up.ts';
import type { ReportProblem } from './read-problem.ts';
import { foundAnswer, NEGATIVE, type Answer } from './read-result.ts';
import type { RedisCodec } from './redis-codec.ts';

/** If the key now expires later by more than this (ms), another process has refreshed it, or renewed its TTL. */
const LATER_MS = 1000;

/** Reads the source, and replaces the value in Redis. A value that an event wrote stays, because it is newer than the source. */
interface Refreshes<Id, T> {
  /** For a client that does not accept the cached value. */
  readonly onDemand: (id: Id, key: string, signal: AbortSignal) => Promise<Answer<T>>;
  /** The value of a key in Redis if events wrote it. It is newer than the source, so it is not refreshed. Never rejects. */
  readonly ofEvent: (key: string) => Promise<Answer<T> | undefined>;
  /** Refreshes a value shortly before it expires, so that readers of a hot key need not wait. Skipped if another process has done it. */
  readonly early: (id: Id, key: string, expiresAt: number, signal: AbortSignal) => Promise<Answer<T>>;
}

/** The state in Redis of a key that will be refreshed. */
interface Held<T> {
  /** The value, if it stays. */
  readonly kept?: Answer<T>;
  /** The value, if it will be replaced. */
  readonly outdated?: CacheHit<T>;
  /** The state that a fill replaces; undefined when Redis does not answer. */
  readonly seen?: CacheMiss;
}

export function createRefreshes<Id, T>(
  codec: RedisCodec<T>,
  dependencies: {
    readonly redis: RedisClient;
    readonly loader: Loader<Id, T>;
    readonly lease: Leases;
    readonly reportProblem: ReportProblem;
  },
): Refreshes<Id, T> {
  const { redis, loader, lease, reportProblem } = dependencies;

  /** Reads Redis, not the local tier, because a fill compares with the state in Redis. */
  async function look(
    key: string,
    isRefreshed: (held: CacheHit<T>) => boolean,
    report: ReportProblem,
  ): Promise<Held<T>> {
    const [held] = await lookUp(redis, codec, [key], report);
    if (held === undefined || held.state === 'unreachable') return {};
    if (held.state !== 'hit') return { seen: held };
    if (isRefreshed(held) || codec.isFromEvent(held.reply, held.value)) return { kept: foundAnswer(held) };
    return { outdated: held, seen: { state: 'outdated', reply: held.reply } };
  }

  return {
    // the refresh that follows reports a defective value
    ofEvent: async (key) =>
      (
        await look(
          key,
          () => false,
          () => {},
        )
      ).kept,
    async onDemand(id, key, signal) {
      const { kept, outdated, seen } = await look(key, () => false, reportProblem);
      if (kept !== undefined) return kept;
      if (seen === undefined)
        return { ...(await loader.load(id, signal)), outcome: 'bypass', unstored: true };
      const answer = await loader.loadAndFill(id, key, seen, signal);
      if (answer.refused && outdated !== undefined) return foundAnswer(outdated);
      // if another writer was faster, the answer is a hit; if nothing was cached, it is a miss
      const isRefresh = answer.outcome === 'miss' && seen.state === 'outdated';
      return isRefresh ? { ...answer, outcome: 'refresh' } : answer;
    },
    early(id, key, expiresAt, signal) {
      const isRefreshed = (held: CacheHit<T>) => held.expiresAt >= expiresAt + LATER_MS;
      let seen: CacheMiss | undefined;
      return lease(key, {
        async look() {
          // the first look-up has reported the problem already
          const held = await look(key, isRefreshed, () => {});
          seen = held.seen;
          return held.kept;
        },
        work: () => loader.loadAndFill(id, key, seen ?? { state: 'absent' }, signal),
        ...{ nothing: NEGATIVE, isNothing, signal },
      });
    },
  };
}
