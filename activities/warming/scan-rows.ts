import { scanEntities, type CachedEntity } from '../../cache/redis/scan-entities.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';

/**
 * Yields all cached rows of an entity page by page, and removes stray keys under its name on the way: readers cannot use them, and no read
 * of the lakehouse finds them. A dry run only counts these.
 * @param readAt `cached_at` of the rows that this warm writes: it may write one in place of a stray key, and one that is cached later stays
 */
export async function* scanRows(
  warm: PartWarm,
  entity: Pick<TableEntity<Fields>, 'key'>,
  readAt: string,
): AsyncGenerator<readonly CachedEntity[]> {
  // Not finer than the time of the rows: the fence of a removed key must not refuse a row of this warm.
  const fence = Date.parse(readAt) * 1000;
  for await (const page of scanEntities(warm.redis, entity)) {
    const strays = page.filter(({ cachedAt }) => cachedAt === '').map(({ id }) => entity.key(id));
    if (strays.length > 0)
      warm.counts.removed += await deleteUnlessStreamed(warm.redis, strays, fence, warm.args);
    yield page.filter(({ cachedAt }) => cachedAt !== '');
  }
}
