import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';
import { readOneVersion } from './read-one-version.ts';
import { refuseShrunkenTables } from './refuse-shrinkage.ts';

interface FoundRows<Row> {
  readonly rows: readonly Row[];
  /** Ids that certainly have no row. An id whose row breaks the contract is not included. */
  readonly missing: readonly string[];
  /** When the read began: the time of Redis in microseconds. */
  readonly readAt: number;
}

interface ReadIdsDeps {
  readonly lakehouse: Lakehouse;
  readonly maxShrinkPercent: number;
}

/**
 * Reads the rows of some ids at one version of their table.
 * @throws ImplausiblyShrunk or EmptyRead when the table lost most of its rows: a broken load must not delete the ids that it lost
 */
export async function readIds<Row>(
  warm: PartWarm,
  { lakehouse, maxShrinkPercent }: ReadIdsDeps,
  entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
  readRows: (ids: readonly string[], options: ReadOptions) => Promise<readonly Row[]>,
): Promise<FoundRows<Row>> {
  const ids = warm.args.scope?.ids ?? [];
  const last = await readPartMetadata(warm.redis, warm.part);
  const first = await warm.readVersions();
  const { result } = await readOneVersion(warm, { first, last }, async ({ versions, readAt }) => {
    const reading = warm.readingAt(versions);
    refuseShrunkenTables(warm, last, await warm.countTableRows(versions), maxShrinkPercent);
    const rows = await readRows(ids, reading);
    if (!warm.mayRemove(versions)) return { readAt, rows, missing: [] };
    const existing = await lakehouse.existingIds(entity, ids, reading);
    return { readAt, rows, missing: ids.filter((id) => !existing.has(id)) };
  });
  return result;
}

/** Deletes the cached rows of the ids that a read did not find, except those that an event wrote. */
export async function deleteIds(
  warm: PartWarm,
  entity: Pick<TableEntity<Fields>, 'key'>,
  { missing, readAt }: Pick<FoundRows<unknown>, 'missing' | 'readAt'>,
): Promise<void> {
  warm.counts.removed += await deleteUnlessStreamed(warm.redis, missing.map(entity.key), readAt, warm.args);
}
