import { scanEntities, type CachedEntity } from '../../cache/redis/scan-entities.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';

/**
 * Yields all cached rows of an entity page by page, and removes stray keys under its name on the way: readers cannot use them, and no read
 * of the lakehouse finds them. A dry run only counts these.
 * @param readAt when the warm began to read, as `readRedisTime` returns it: a row that is cached in place of a stray key since stays, and
 *   the warm may write one too
 */
export async function* scanRows(
  warm: PartWarm,
  entity: Pick<TableEntity<Fields>, 'key'>,
  readAt: number,
): AsyncGenerator<readonly CachedEntity[]> {
  for await (const page of scanEntities(warm.redis, entity)) {
    const strays = page.filter(({ cachedAt }) => cachedAt === '').map(({ id }) => entity.key(id));
    if (strays.length > 0)
      warm.counts.removed += await deleteUnlessStreamed(warm.redis, strays, readAt, warm.args);
    yield page.filter(({ cachedAt }) => cachedAt !== '');
  }
}
