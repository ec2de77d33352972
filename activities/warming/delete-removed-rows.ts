import { scanEntities } from '../../cache/redis/scan-entities.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';

/** Ids in one question to the lakehouse. */
const CHUNK = 1000;

type Entity = Pick<TableEntity<Fields>, 'table' | 'idColumn' | 'key'>;

/** Takes those of the ids out of the cache that the lakehouse does not have any more. */
export async function deleteRemovedIds(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Entity,
  ids: readonly string[],
): Promise<void> {
  for (let start = 0; start < ids.length; start += CHUNK) {
    const chunk = ids.slice(start, start + CHUNK);
    const existing = await lakehouse.existing(entity, chunk, warm.reading);
    const gone = chunk.filter((id) => !existing.has(id));
    warm.counts.removed += await deleteUnlessStreamed(warm.redis, gone.map(entity.key), warm.args);
  }
}

/**
 * Takes all cached rows out that the lakehouse does not have any more, after a warm that wrote those it read.
 * @param readAt `cached_at` of what the warm wrote: only what is older is asked for
 * @returns how many are of just this warm, and how many were cached since
 */
export async function deleteRemovedRows(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Entity,
  readAt: string,
): Promise<{ ofWarm: number; since: number }> {
  let ofWarm = 0;
  let since = 0;
  let older: string[] = [];
  for await (const page of scanEntities(warm.redis, entity)) {
    ofWarm += page.filter(({ cachedAt }) => cachedAt === readAt).length;
    since += page.filter(({ cachedAt }) => cachedAt > readAt).length;
    older.push(...page.filter(({ cachedAt }) => cachedAt < readAt).map(({ id }) => id));
    if (older.length < CHUNK) continue;
    await deleteRemovedIds(warm, lakehouse, entity, older);
    older = [];
  }
  await deleteRemovedIds(warm, lakehouse, entity, older);
  return { ofWarm, since };
}
