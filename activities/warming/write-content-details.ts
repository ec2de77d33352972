import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import { writeUnlessRemoved } from '../../cache/writing/read-fence.ts';
import { writeContentRows } from '../../cache/writing/write-content.ts';
import { cachedAtOf } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { removedMeanwhile, sizeOf, type PartWarm } from './part-warm.ts';

/**
 * Writes content:detail of these rows, except where a later read or the hot path has cached a newer one. Equal ones are renewed. A dry run
 * only counts them.
 * @param readAt when the read of the rows began, as `readRedisTime` returns it
 * @throws when an operator removed values since the read. The retry of the activity reads the rows again
 */
export async function writeContentDetails(
  warm: PartWarm,
  items: readonly Content[],
  readAt: number,
): Promise<void> {
  const all = sizeOf(items.map((item) => content.toEntry(item.content_id, item, cachedAtOf(readAt))));
  const { written, renewed, late, kept } = warm.args.dryRun
    ? { written: items.length, renewed: 0, late: 0, kept: 0 }
    : await writeUnremoved(warm, items, readAt);
  warm.countWritten({ keys: written, bytes: Math.round((all.bytes * written) / Math.max(1, items.length)) });
  warm.counts.renewed += renewed;
  if (kept > 0) warm.skipped.push(`${kept} details not written: the hot path has newer ones`);
  if (late > 0) warm.skipped.push(`${late} details not written: a later read has cached or removed them`);
}

async function writeUnremoved({ redis, part }: PartWarm, items: readonly Content[], readAt: number) {
  let done = { written: 0, renewed: 0, late: 0, kept: 0 };
  const outcome = await writeUnlessRemoved(redis, {
    readAt,
    async write() {
      done = await writeContentRows(redis, items, readAt);
      return done.written + done.renewed;
    },
    undo: (removedAt) =>
      deleteUnlessStreamed(
        redis,
        items.map(({ content_id }) => content.key(content_id)),
        removedAt,
      ),
  });
  if (outcome === 'removed') throw removedMeanwhile(part);
  return done;
}
