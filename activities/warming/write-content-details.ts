import { writeContentRows } from '../../cache/writing/write-content.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { sizeOf, type PartWarm } from './part-warm.ts';

/** Writes content:detail of these rows, except where the hot path has cached a newer event. A dry run only counts them. */
export async function writeContentDetails(
  warm: PartWarm,
  items: readonly Content[],
  now: Date,
): Promise<void> {
  const readAt = now.toISOString();
  const { bytes } = sizeOf(items.map((item) => content.toEntry(item.content_id, item, readAt)));
  const written = warm.args.dryRun ? items.length : await writeContentRows(warm.redis, items, now);
  warm.countWritten({ keys: written, bytes });
  if (written < items.length)
    warm.skipped.push(`${items.length - written} details not written: the hot path has newer ones`);
}
