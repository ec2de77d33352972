import { scanEntities, type CachedEntity } from '../../cache/redis/scan-entities.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';

/**
 * Yields all cached rows of an entity page by page, and removes stray keys under its name: readers cannot use them, and no warm replaces
 * them. A warning names one, because another client writes them. A dry run only counts them. The scan ends when the activity is cancelled.
 * @param readAt `cached_at` of the rows that this warm writes. It may write a row in place of a stray key; keys cached later stay
 */
export async function* scanRows(
  warm: PartWarm,
  entity: Pick<TableEntity<Fields>, 'key'>,
  readAt: string,
): AsyncGenerator<readonly CachedEntity[]> {
  // In milliseconds, like the time of the rows: the fence of a removed key must not refuse a row of this warm.
  const fence = Date.parse(readAt) * 1000;
  let removed = 0;
  let example = '';
  for await (const page of scanEntities(warm.redis, entity)) {
    warm.reading.signal.throwIfAborted();
    const strays = page.filter(({ cachedAt }) => cachedAt === '').map(({ id }) => entity.key(id));
    if (strays.length > 0) {
      removed += await deleteUnlessStreamed(warm.redis, strays, fence, warm.args);
      example = strays[0] ?? '';
    }
    yield page.filter(({ cachedAt }) => cachedAt !== '');
  }
  if (removed === 0) return;
  warm.counts.removed += removed;
  const done = warm.args.dryRun ? 'would be removed' : 'were removed';
  warm.warnings.push(
    `${removed} keys that hold no cached row ${done}, such as ${JSON.stringify(example.slice(0, 80))}: another client writes keys with these names`,
  );
}
