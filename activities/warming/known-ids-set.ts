import { unlessWrongType } from '../../cache/redis/wrong-type.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { knownIds, type FilteredIds } from '../../domain/entities/known-ids.ts';
import { addToFilter, createBloomFilter } from '../../domain/values/bloom-filter.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm } from './part-warm.ts';
import type { SetToWrite } from './warm-set.ts';

/**
 * The filter of all ids in a column of a table. A cached filter of this version is kept, because a warm may read a part again although its
 * tables have not changed.
 * @param rows of the table at these versions
 * @param countIds the maximum number of ids in the column at these versions; called only to build a filter
 * @returns no set if the version of the table is unknown (readers could not tell whether the filter is current), or if no id could be read
 *   (an empty filter would hide every id)
 */
export async function knownIdsSet(
  warm: PartWarm,
  lakehouse: Lakehouse,
  ids: FilteredIds,
  at: TableVersions,
  rows: number,
  countIds: () => number | Promise<number> = () => rows,
): Promise<SetToWrite[]> {
  const { name, table } = ids;
  const version = knownIds.versionOf(table, at);
  if (version === null) return [];
  const [heldVersion, held] =
    (await unlessWrongType(warm.redis.hmget(knownIds.key(name), 'version', 'filter'))) ?? [];
  const filter =
    held != null && heldVersion === version && !warm.args.force
      ? held
      : await readFilter(lakehouse.allIds(ids, warm.readingAt(at)), await countIds());
  if (filter === null) return [];
  // Size 0: the number of rows is checked already.
  return [{ entry: knownIds.toEntry(name, version, filter, rows, new Date()), size: 0 }];
}

/** @returns the filter in base64; null when no row has an id: the column cannot be read, or is empty */
async function readFilter(pages: AsyncIterable<readonly string[]>, count: number): Promise<string | null> {
  const filter = createBloomFilter(count);
  let isEmpty = true;
  for await (const page of pages)
    for (const id of page) {
      addToFilter(filter, id);
      isEmpty &&= id === '';
    }
  return isEmpty ? null : Buffer.from(filter).toString('base64');
}
