import { unlessWrongType } from '../../cache/redis/wrong-type.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { knownIds } from '../../domain/entities/known-ids.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { addToFilter, createBloomFilter } from '../../domain/values/bloom-filter.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm } from './part-warm.ts';
import type { SetToWrite } from './warm-set.ts';

/**
 * The filter of all ids of a table. A cached filter of this version is kept, because a warm reads some parts again although their
 * tables have not changed.
 * @param countRows the rows of the table at these versions; called only to make a filter
 * @returns no set when the version of the table is unknown: no reader could tell whether the filter is current
 */
export async function knownIdsSet(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
  at: TableVersions,
  countRows: () => number | Promise<number>,
): Promise<SetToWrite[]> {
  const { table } = entity;
  const version = knownIds.versionOf(table, at);
  if (version === null) return [];
  const [heldVersion, held] =
    (await unlessWrongType(warm.redis.hmget(knownIds.key(table), 'version', 'filter'))) ?? [];
  const filter =
    held != null && heldVersion === version && !warm.args.force
      ? held
      : await readFilter(lakehouse.allIds(entity, warm.readingAt(at)), await countRows());
  // Size 0: the number of rows is checked already.
  return [{ entry: knownIds.toEntry(table, version, filter), size: 0 }];
}

/** @returns the filter in base64 */
async function readFilter(pages: AsyncIterable<readonly string[]>, rows: number): Promise<string> {
  const filter = createBloomFilter(rows);
  for await (const page of pages) for (const id of page) addToFilter(filter, id);
  return Buffer.from(filter).toString('base64');
}
