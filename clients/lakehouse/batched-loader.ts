import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { groupBy } from '../../domain/values/lists.ts';

/** Slices that start within a few milliseconds of each other share a query. */
const BATCH_WINDOW_MS = 5;
/** Maximum number of concurrent queries. With several, a slow query of one partition does not use up the deadline of another. */
const MAX_RUNNING_QUERIES = 4;
/** Maximum number of queued queries. More would keep a slow Trino busy with ids that no batch waits for any more. */
const MAX_WAITING_QUERIES = 4;
const MAX_IDS_PER_QUERY = 5000;
/** Trino refuses a query of over 1,000,000 characters (`query.max-length`). A quote in an id takes two. */
const MAX_ID_CHARACTERS_PER_QUERY = 300_000;

/** The results by id. An id that does not exist has a value too. */
type Found<V> = ReadonlyMap<string, V>;

/**
 * Loads ids.
 * @param onFound receives the results of each query as soon as it ends
 * @returns false when a query failed, or when there are too many queries already
 */
export type BatchedLoader<V> = (
  ids: readonly string[],
  onFound: (id: string, value: V) => void,
) => Promise<boolean>;

/** The ids of one query. Ids join it until it starts or is full. */
interface Batch<V> {
  readonly ids: string[];
  characters: number;
  /** Null when the query failed. */
  loaded: Promise<Found<V> | null>;
}

/**
 * Joins the ids of concurrent loads into few queries. An id that is already loading is not queried again.
 * @param query finds the values of ids
 */
export function createBatchedLoader<V>(
  query: (ids: readonly string[]) => Promise<Found<V>>,
  onError: (error: unknown) => void,
): BatchedLoader<V> {
  const limit = pLimit(MAX_RUNNING_QUERIES);
  const loading = new Map<string, Batch<V>['loaded']>();
  const refused = Promise.resolve(null);
  let open: Batch<V> | undefined;

  function openBatch(): Batch<V> | undefined {
    if (limit.activeCount + limit.pendingCount >= MAX_RUNNING_QUERIES + MAX_WAITING_QUERIES) return undefined;
    const batch: Batch<V> = { ids: [], characters: 0, loaded: refused };
    batch.loaded = limit(() => run(batch));
    return batch;
  }

  async function run(batch: Batch<V>): Promise<Found<V> | null> {
    await sleep(BATCH_WINDOW_MS);
    if (open === batch) open = undefined;
    try {
      return await query(batch.ids);
    } catch (error) {
      onError(error);
      return null;
    } finally {
      // The caller caches results, and ids of a failed query must be queried again.
      for (const id of batch.ids) loading.delete(id);
    }
  }

  function join(id: string): Batch<V>['loaded'] {
    if (open === undefined || !hasRoom(open, id)) open = openBatch();
    if (open === undefined) return refused;
    open.ids.push(id);
    open.characters += id.length;
    loading.set(id, open.loaded);
    return open.loaded;
  }

  return async (ids, onFound) => {
    const loads = [...groupBy(ids, (id) => loading.get(id) ?? join(id))].map(async ([loaded, some]) => {
      const found = await loaded;
      for (const id of some) {
        const value = found?.get(id);
        if (value !== undefined) onFound(id, value);
      }
      return found !== null;
    });
    return (await Promise.all(loads)).every((succeeded) => succeeded);
  };
}

const hasRoom = ({ ids, characters }: Pick<Batch<unknown>, 'ids' | 'characters'>, id: string): boolean =>
  ids.length < MAX_IDS_PER_QUERY && characters + id.length <= MAX_ID_CHARACTERS_PER_QUERY;
