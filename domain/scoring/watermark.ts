import type { CommittedMetadata } from './committed-metadata.ts';

/** Events this much older than the newest event of the topic are late (docs/contract.md: watermark of 5 minutes). */
export const WATERMARK_DELAY_MS = 5 * 60_000;

/**
 * The watermark of a topic in ms since 1970: the newest event time over all partitions, minus the delay.
 * @returns null before the first event
 */
export function watermarkOf(committed: readonly CommittedMetadata[]): number | null {
  const newest = committed.map(({ max_event_time_ms }) => max_event_time_ms).filter((time) => time !== null);
  return newest.length === 0 ? null : Math.max(...newest) - WATERMARK_DELAY_MS;
}
