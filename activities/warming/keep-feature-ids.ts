import { readLastRead } from '../../cache/writing/known-ids.ts';
import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import { replaceSet } from '../../cache/writing/replace-set.ts';
import { SourceSchemaError } from '../../clients/lakehouse/silver-catalog.ts';
import { readRedisTime } from '../../clients/redis.ts';
import { filteredIds, knownIds } from '../../domain/entities/known-ids.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { findShrunken, formatShrinkage, tableSizeChanges } from '../../domain/warming/check-shrinkage.ts';
import { judgeRefusedPart } from '../../domain/warming/refused-part.ts';
import { changedTables, mutableTables, versionTexts } from '../../domain/warming/table-version.ts';
import { knownIdsSet } from './known-ids-set.ts';
import type { PartWarm } from './part-warm.ts';
import type { WarmSetDeps } from './warm-set.ts';

/**
 * Writes the filter of the known ids of kol_trust_features, so that scores of unknown KOLs cost no query. No part is made of that table, so
 * each warm checks whether it has changed.
 * Best effort: without the filter, unknown ids share queries. So a failure is only a warning, and the table may be missing. A table that
 * lost most of its rows since the last warm is refused, like a set.
 */
export async function keepFeatureIds(
  warm: PartWarm,
  { lakehouse, maxShrinkPercent, renewal }: Pick<WarmSetDeps, 'lakehouse' | 'maxShrinkPercent' | 'renewal'>,
): Promise<void> {
  if (warm.args.dryRun || warm.args.scope !== undefined) return;
  const { signal } = warm.reading;
  const { table } = filteredIds.features;
  try {
    const readAt = await readRedisTime(warm.redis);
    const at = await lakehouse.tableVersions([table], signal);
    const version = versionTexts(at)[table] ?? null;
    if (version === null) return; // without a version, readers cannot tell whether the filter is current
    const last = await readLastRead(warm.redis, filteredIds.features);
    const known = last?.versions[table] === version ? last.tableRows[table] : undefined;
    const rows = known ?? (await lakehouse.countRows(table, warm.readingAt(at)));
    const shrunken = findShrunken(tableSizeChanges(last, { [table]: rows }), maxShrinkPercent);
    if (last !== null && shrunken.length > 0 && !warm.args.allowShrink) {
      const { maxAgeSeconds } = renewal;
      const { isKept, note } = judgeRefusedPart(last.warmed_at, { now: new Date(), maxAgeSeconds });
      // Misses are compared with the last good read. After it has expired, the next warm accepts the table as it is.
      const key = knownIds.key(filteredIds.features.name);
      if (isKept) await refreshTtls(warm.redis, [{ key, ttlSeconds: knownIds.ttlSeconds }]);
      const reason = formatShrinkage(shrunken, maxShrinkPercent);
      warm.skipped.push(`the known ids of ${table} are ${note}: ${reason}`);
      return;
    }
    const sets = await knownIdsSet(warm, lakehouse, filteredIds.features, at, rows);
    // If files changed during the read, ids may be missing. The next warm reads the new files.
    const isMutable = mutableTables(at).length > 0;
    if (isMutable && changedTables(at, await lakehouse.tableVersions([table], signal)).length > 0) return;
    for (const { entry } of sets) await replaceSet(warm.redis, entry, readAt);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SourceSchemaError))
      warm.skipped.push(`the known ids of ${table} were not written: ${messageOf(error)}`);
  }
}
