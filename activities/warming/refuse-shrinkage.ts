import { ApplicationFailure } from '@temporalio/activity';
import { failureTypes } from '../../contract/failure-types.ts';
import { findShrunken, formatShrinkage, type SizeChange } from '../../domain/warming/check-shrinkage.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import type { PartWarm } from './part-warm.ts';

/** @throws EmptyRead when the lakehouse returned no rows; not retried, since the next read would be the same */
export function refuseEmptyRead(part: WarmPart, rowsRead: number): void {
  if (rowsRead > 0) return;
  throw ApplicationFailure.nonRetryable(
    `The lakehouse returned no rows for ${part}. The cache keeps what it has. Check the Silver tables, then warm again.`,
    failureTypes.emptyRead,
  );
}

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
