import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { filteredIds, knownIds, type FilteredIds } from '../../domain/entities/known-ids.ts';
import type { SilverTable } from '../../domain/schema/silver-tables.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { mayContain, type BloomFilter } from '../../domain/values/bloom-filter.ts';
import type { ReportProblem } from './read-problem.ts';
import { withTimeLimit } from '../../domain/values/abortable.ts';

/** Interval of the checks in Redis and the lakehouse, shared by all misses. A new id is readable at most this long after its load. */
const CHECK_EVERY_MS = 5000;

interface KnownIdsDependencies {
  readonly redis: RedisClient;
  readonly lakehouse: Pick<Lakehouse, 'comparedVersions'>;
  /** A miss waits at most this long (s) for the version of the table, then queries the id. */
  readonly waitSeconds: number;
}

/** @returns whether the lakehouse may have an id; false only if it certainly does not. Never rejects */
type MayExist = (id: string) => Promise<boolean>;

interface HeldFilter {
  readonly version: string;
  readonly filter: BloomFilter;
}

/** Returns the result of `work`, or `otherwise` if it fails; the failure is reported. */
type OrOnFailure = <T>(key: string, work: () => Promise<T>, otherwise: T) => Promise<T>;

/**
 * Looks ids up in the known-ids filters that warms write. This process keeps them in memory. A filter is used only while the table still
 * has the version of the filter.
 * @returns the look-up in one of the filters
 */
export function createKnownIds(
  { redis, lakehouse, waitSeconds }: KnownIdsDependencies,
  reportProblem: ReportProblem,
): (ids: FilteredIds) => MayExist {
  const orOnFailure: OrOnFailure = async (key, work, otherwise) => {
    try {
      return await work();
    } catch (error) {
      reportProblem(key, 'known-ids', error);
      return otherwise;
    }
  };
  /** One query for the tables of all filters. */
  const readVersions = shared(() =>
    orOnFailure<TableVersions>(
      'the versions of the tables',
      () =>
        withTimeLimit(waitSeconds, async (signal) =>
          lakehouse.comparedVersions(await tablesWithFilter(redis), signal),
        ),
      {},
    ),
  );
  return (ids) => createMayExist(ids, redis, readVersions, orOnFailure);
}

/** The tables that have a filter. */
async function tablesWithFilter(redis: RedisClient): Promise<SilverTable[]> {
  const found = await Promise.all(
    Object.values(filteredIds).map(async ({ name, table }) =>
      (await redis.exists(knownIds.key(name))) === 1 ? [table] : [],
    ),
  );
  return [...new Set(found.flat())];
}

function createMayExist(
  { name, table }: FilteredIds,
  redis: RedisClient,
  readVersions: () => Promise<TableVersions>,
  orOnFailure: OrOnFailure,
): MayExist {
  const key = knownIds.key(name);
  let held: HeldFilter | undefined;

  /** Loads the current filter from Redis. @returns whether Redis answered */
  const takeFilter = shared(() =>
    orOnFailure(
      key,
      async () => {
        const version = (await redis.hget(key, 'version')) ?? undefined;
        if (version === held?.version) return true;
        const [ofFilter, filter] = await redis.hmget(key, 'version', 'filter');
        held = ofFilter && filter ? { version: ofFilter, filter: Buffer.from(filter, 'base64') } : undefined;
        return true;
      },
      false,
    ),
  );

  return async (id) => {
    // most misses are for ids that exist: they need not wait
    if (held !== undefined && mayContain(held.filter, id)) return true;
    const isHeldByRedis = await takeFilter();
    // while this read waits for the version, another one can replace the filter
    const asked = held;
    if (!isHeldByRedis || asked === undefined || mayContain(asked.filter, id)) return true;
    return knownIds.versionOf(table, await readVersions()) !== asked.version;
  };
}

/** Shares one run of some work, also a failed one, between all callers of the next CHECK_EVERY_MS. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let last: { readonly startedAt: number; readonly result: Promise<T> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.startedAt > CHECK_EVERY_MS)
      last = { startedAt: performance.now(), result: work() };
    return last.result;
  };
}
