import { replaceSet } from '../../cache/writing/replace-set.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { SourceSchemaError } from '../../clients/lakehouse/silver-catalog.ts';
import { readRedisTime } from '../../clients/redis.ts';
import { filteredIds } from '../../domain/entities/known-ids.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { changedTables, mutableTables } from '../../domain/warming/table-version.ts';
import { knownIdsSet } from './known-ids-set.ts';
import type { PartWarm } from './part-warm.ts';

/**
 * Writes the filter of the known ids of kol_trust_features, so that scores of unknown KOLs cost no query. No part is made of that table,
 * so each warm checks whether it has changed. Best effort: without the filter, unknown ids share queries. So a failure is only noted, and
 * a lakehouse may lack the table.
 */
export async function keepFeatureIds(warm: PartWarm, lakehouse: Lakehouse): Promise<void> {
  if (warm.args.dryRun || warm.args.scope !== undefined) return;
  const { signal } = warm.reading;
  const { table } = filteredIds.features;
  try {
    const readAt = await readRedisTime(warm.redis);
    const at = await lakehouse.tableVersions([table], signal);
    const countRows = () => lakehouse.countRows(table, warm.readingAt(at));
    const sets = await knownIdsSet(warm, lakehouse, filteredIds.features, at, countRows);
    // Files that changed during the read may have left ids out. The next warm sees the new ones.
    const isMutable = mutableTables(at).length > 0;
    if (isMutable && changedTables(at, await lakehouse.tableVersions([table], signal)).length > 0) return;
    for (const { entry } of sets) await replaceSet(warm.redis, entry, readAt);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SourceSchemaError))
      warm.skipped.push(`the known ids of ${table} were not written: ${messageOf(error)}`);
  }
}
