import { ApplicationFailure } from '@temporalio/activity';
import { failureTypes } from '../../contract/failure-types.ts';
import {
  findShrunken,
  formatShrinkage,
  tableSizeChanges,
  type SizeChange,
} from '../../domain/warming/check-shrinkage.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { PartWarm } from './part-warm.ts';

/** @throws EmptyRead when the lakehouse returned no rows */
export function refuseEmptyRead(part: WarmPart, rowsRead: number): void {
  if (rowsRead === 0) throw emptyRead(`The lakehouse returned no rows for ${part}`);
}

/** Not retried: the next read would give the same result. */
const emptyRead = (what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `${what}. The cache keeps what it has. Check the Silver tables, then warm again.`,
    failureTypes.emptyRead,
  );

/**
 * Refuses a read that is much smaller than the last one, before anything is replaced. A warm with `allowShrink` accepts it.
 * @throws ImplausiblyShrunk with the names and sizes of what shrank
 */
export function refuseShrinkage(warm: PartWarm, changes: readonly SizeChange[], maxPercent: number): void {
  if (warm.args.allowShrink) return;
  const shrunken = findShrunken(changes, maxPercent);
  if (shrunken.length > 0)
    throw ApplicationFailure.nonRetryable(
      formatShrinkage(shrunken, maxPercent),
      failureTypes.implausiblyShrunk,
    );
}

/**
 * Refuses tables that lost most of their rows since the last warm, as `refuseShrinkage` does. A table that lost all of them is refused even
 * if the warm accepts shrinkage: a part that reads two tables would lose all that it has of that one.
 * @throws ImplausiblyShrunk or EmptyRead
 */
export function refuseShrunkenTables(
  warm: PartWarm,
  last: Pick<PartMetadata, 'tableRows'> | null,
  tableRows: Readonly<Record<string, number>>,
  maxPercent: number,
): void {
  const changes = tableSizeChanges(last, tableRows);
  refuseShrinkage(warm, changes, maxPercent);
  const emptied = changes.filter(({ before, now }) => before > 0 && now === 0).map(({ what }) => what);
  if (emptied.length > 0) throw emptyRead(`The lakehouse has no rows in ${emptied.join(' and ')} any more`);
}
