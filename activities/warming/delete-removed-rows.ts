import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { readRedisTime } from '../../clients/redis.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { inChunks } from '../../domain/values/lists.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm } from './part-warm.ts';
import { scanRows } from './scan-rows.ts';
import { assertUnchanged } from './read-one-version.ts';

/** Ids in one query. */
const CHUNK = 1000;

type Entity = Pick<TableEntity<Fields>, 'table' | 'idColumn' | 'key'>;

/**
 * Deletes the cached rows of the ids that the tables at these versions do not have. If a version is unknown, it deletes nothing and the
 * rows expire.
 * @throws TableChangedError before anything is deleted, when files of these versions have changed
 */
export async function deleteRemovedIds(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Entity,
  { ids, versions }: { readonly ids: readonly string[]; readonly versions: TableVersions },
): Promise<void> {
  if (ids.length > 0 && !warm.mayRemove(versions)) return;
  for (const chunk of inChunks(ids, CHUNK)) {
    const readAt = await readRedisTime(warm.redis);
    const existing = await lakehouse.existingIds(entity, chunk, warm.readingAt(versions));
    const removed = chunk.filter((id) => !existing.has(id));
    if (removed.length === 0) continue;
    await assertUnchanged(warm, versions);
    warm.counts.removed += await deleteUnlessStreamed(warm.redis, removed.map(entity.key), readAt, warm.args);
  }
}

/** The read whose rows are in the cache. */
interface WarmedRead {
  /** `cached_at` of the rows that the warm wrote: only older rows are looked up in the lakehouse. */
  readonly readAt: string;
  readonly versions: TableVersions;
}

/**
 * Deletes all cached rows that the lakehouse no longer has, after a warm wrote those that it has.
 * @param isWarmed whether the warm chose an id. Such a row counts even if a reader has cached it again since
 * @throws TableChangedError before anything is deleted, when files of the versions that were read have changed
 * @returns how many of the rows that this warm wrote are cached
 */
export async function deleteRemovedRows(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Entity,
  { readAt, versions }: WarmedRead,
  isWarmed: (id: string) => boolean = () => false,
): Promise<number> {
  let present = 0;
  let olderIds: string[] = [];
  for await (const page of scanRows(warm, entity, readAt)) {
    present += page.filter(
      ({ id, cachedAt }) => cachedAt === readAt || (cachedAt > readAt && isWarmed(id)),
    ).length;
    olderIds.push(...page.filter(({ cachedAt }) => cachedAt < readAt).map(({ id }) => id));
    if (olderIds.length < CHUNK) continue;
    await deleteRemovedIds(warm, lakehouse, entity, { ids: olderIds, versions });
    olderIds = [];
  }
  await deleteRemovedIds(warm, lakehouse, entity, { ids: olderIds, versions });
  return present;
}
