import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';

/** Slices that start within a few milliseconds of each other share a query. */
const BATCH_WINDOW_MS = 5;
/** Queries at the same time: a slow query of one partition must not use up the deadline of another. */
const MAX_RUNNING_QUERIES = 4;
/** Further queries that wait for these. More would keep a slow Trino busy with ids that nobody waits for any more. */
const MAX_WAITING_QUERIES = 4;
const MAX_IDS_PER_QUERY = 5000;
/** Trino refuses a query of over 1,000,000 characters (`query.max-length`). A quote in an id takes two. */
const MAX_ID_CHARACTERS_PER_QUERY = 300_000;

/** Loads ids. @returns false when a query failed, or when there are too many queries already */
export type BatchedLoader = (ids: readonly string[]) => Promise<boolean>;

/** The ids of one query. Ids join it until it starts or is full. */
interface Batch {
  readonly ids: string[];
  characters: number;
  loaded: Promise<boolean>;
}

/**
 * Joins the ids of concurrent loads into few queries. An id that is already loading is not queried again.
 * @param fill queries ids and caches the result
 */
export function createBatchedLoader(
  fill: (ids: readonly string[]) => Promise<void>,
  onError: (error: unknown) => void,
): BatchedLoader {
  const limit = pLimit(MAX_RUNNING_QUERIES);
  const loading = new Map<string, Promise<boolean>>();
  const refused = Promise.resolve(false);
  let open: Batch | undefined;

  function openBatch(): Batch | undefined {
    if (limit.activeCount + limit.pendingCount >= MAX_RUNNING_QUERIES + MAX_WAITING_QUERIES) return undefined;
    const batch: Batch = { ids: [], characters: 0, loaded: refused };
    batch.loaded = limit(() => run(batch));
    return batch;
  }

  async function run(batch: Batch): Promise<boolean> {
    await sleep(BATCH_WINDOW_MS);
    if (open === batch) open = undefined;
    try {
      await fill(batch.ids);
      return true;
    } catch (error) {
      onError(error);
      return false;
    } finally {
      // Found rows are cached by `fill`, and ids of a failed query must be queried again.
      for (const id of batch.ids) loading.delete(id);
    }
  }

  function join(id: string): Promise<boolean> {
    if (open === undefined || !hasRoom(open, id)) open = openBatch();
    if (open === undefined) return refused;
    open.ids.push(id);
    open.characters += id.length;
    loading.set(id, open.loaded);
    return open.loaded;
  }

  return async (ids) => {
    const loads = new Set(ids.map((id) => loading.get(id) ?? join(id)));
    return (await Promise.all(loads)).every((succeeded) => succeeded);
  };
}

const hasRoom = ({ ids, characters }: Batch, id: string): boolean =>
  ids.length < MAX_IDS_PER_QUERY && characters + id.length <= MAX_ID_CHARACTERS_PER_QUERY;
