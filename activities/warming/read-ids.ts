import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../clients/lakehouse/read-options.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { PartWarm } from './part-warm.ts';
import { readOneVersion } from './read-one-version.ts';

interface FoundRows<Row> {
  readonly rows: readonly Row[];
  /** Ids that have no row. An id whose row breaks the contract is not among them. */
  readonly missing: readonly string[];
}

/** Reads the rows of some ids at one version of their table. */
export async function readIds<Row>(
  warm: PartWarm,
  lakehouse: Lakehouse,
  entity: Pick<TableEntity<Fields>, 'table' | 'idColumn'>,
  readRows: (ids: readonly string[], options: ReadOptions) => Promise<readonly Row[]>,
): Promise<FoundRows<Row>> {
  const ids = warm.args.scope?.ids ?? [];
  const { result } = await readOneVersion(warm, await warm.readVersions(), async (versions) => {
    const reading = warm.readingAt(versions);
    const rows = await readRows(ids, reading);
    const existing = await lakehouse.existingIds(entity, ids, reading);
    return { rows, missing: ids.filter((id) => !existing.has(id)) };
  });
  return result;
}

/** Deletes the cached rows of these ids, except those that an event wrote. */
export async function deleteIds(
  warm: PartWarm,
  entity: Pick<TableEntity<Fields>, 'key'>,
  ids: readonly string[],
): Promise<void> {
  warm.counts.removed += await deleteUnlessStreamed(warm.redis, ids.map(entity.key), warm.args);
}
