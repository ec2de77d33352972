import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { knownIds, type FilteredIds } from '../../domain/entities/known-ids.ts';
import { mayContain, type BloomFilter } from '../../domain/values/bloom-filter.ts';
import type { ReportProblem } from './read-problem.ts';
import { withTimeLimit } from './time-limit.ts';

/** Redis and the lakehouse are asked at most this often, for all misses together. A new id is readable this long after its load. */
const CHECK_EVERY_MS = 5000;
/** A miss does not wait longer (s) for the version of the table: it queries the id instead. */
const MAX_WAIT_SECONDS = 3;

interface KnownIdsDependencies {
  readonly redis: RedisClient;
  readonly lakehouse: Pick<Lakehouse, 'tableVersions'>;
  readonly maxWaitSeconds?: number;
}

interface HeldFilter {
  readonly version: string;
  readonly filter: BloomFilter;
}

/**
 * Looks ids up in the filter that a warm wrote of all ids of a table, and that this process keeps in memory. The filter decides only
 * while the table has the version that it was made from.
 * @returns whether the lakehouse may have an id: false only when it does not. Never rejects
 */
export function createMayExist(
  { name, table }: Pick<FilteredIds, 'name' | 'table'>,
  { redis, lakehouse, maxWaitSeconds = MAX_WAIT_SECONDS }: KnownIdsDependencies,
  reportProblem: ReportProblem,
): (id: string) => Promise<boolean> {
  const key = knownIds.key(name);
  let held: HeldFilter | undefined;

  async function orOnFailure<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      reportProblem(key, 'known-ids', error);
      return otherwise;
    }
  }

  /** Takes the filter that Redis has now. @returns whether Redis answered */
  const takeFilter = shared(() =>
    orOnFailure(async () => {
      const version = (await redis.hget(key, 'version')) ?? undefined;
      if (version === held?.version) return true;
      const [ofFilter, filter] = await redis.hmget(key, 'version', 'filter');
      held = ofFilter && filter ? { version: ofFilter, filter: Buffer.from(filter, 'base64') } : undefined;
      return true;
    }, false),
  );
  const readVersion = shared(() =>
    orOnFailure(
      () =>
        withTimeLimit(maxWaitSeconds, async (signal) =>
          knownIds.versionOf(table, await lakehouse.tableVersions([table], signal)),
        ),
      null,
    ),
  );

  return async (id) => {
    // Most misses are of ids that exist: they wait for nothing.
    if (held !== undefined && mayContain(held.filter, id)) return true;
    const isHeldByRedis = await takeFilter();
    // While this read waits for the version, another one can replace the filter.
    const asked = held;
    if (!isHeldByRedis || asked === undefined || mayContain(asked.filter, id)) return true;
    return (await readVersion()) !== asked.version;
  };
}

/** Shares one run of some work between all callers of the next CHECK_EVERY_MS, its failure included. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let last: { readonly startedAt: number; readonly result: Promise<T> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.startedAt > CHECK_EVERY_MS)
      last = { startedAt: performance.now(), result: work() };
    return last.result;
  };
}
