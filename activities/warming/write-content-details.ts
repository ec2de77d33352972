import { writeContentRows } from '../../cache/writing/write-content.ts';
import { cachedAtOf } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { sizeOf, type PartWarm } from './part-warm.ts';

/**
 * Writes content:detail of these rows, except where a later read or the hot path has cached a newer one. Equal ones are renewed. A dry run
 * only counts them.
 * @param readAt when the read of the rows began, as `readRedisTime` returns it
 */
export async function writeContentDetails(
  warm: PartWarm,
  items: readonly Content[],
  readAt: number,
): Promise<void> {
  const all = sizeOf(items.map((item) => content.toEntry(item.content_id, item, cachedAtOf(readAt))));
  const { written, renewed, late, kept } = warm.args.dryRun
    ? { written: items.length, renewed: 0, late: 0, kept: 0 }
    : await writeContentRows(warm.redis, items, readAt);
  warm.countWritten({ keys: written, bytes: Math.round((all.bytes * written) / Math.max(1, items.length)) });
  warm.counts.renewed += renewed;
  if (kept > 0) warm.skipped.push(`${kept} details not written: the hot path has newer ones`);
  if (late > 0) warm.skipped.push(`${late} details not written: a later read has cached or removed them`);
}
