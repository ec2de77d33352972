import { writeContentRows } from '../../cache/writing/write-content.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { sizeOf, type PartWarm } from './part-warm.ts';

/**
 * Writes content:detail of these rows, except where the hot path has cached a newer event. Equal ones are renewed. A dry run only counts
 * them.
 */
export async function writeContentDetails(
  warm: PartWarm,
  items: readonly Content[],
  now: Date,
): Promise<void> {
  const readAt = now.toISOString();
  const all = sizeOf(items.map((item) => content.toEntry(item.content_id, item, readAt)));
  const { written, renewed } = warm.args.dryRun
    ? { written: items.length, renewed: 0 }
    : await writeContentRows(warm.redis, items, now);
  warm.countWritten({ keys: written, bytes: Math.round((all.bytes * written) / Math.max(1, items.length)) });
  warm.counts.renewed += renewed;
  const newer = items.length - written - renewed;
  if (newer > 0) warm.skipped.push(`${newer} details not written: the hot path has newer ones`);
}
