/** Events this much older than the newest event of their partition are late (docs/contract.md: watermark of 5 minutes). */
const WATERMARK_DELAY_MS = 5 * 60_000;

/**
 * The watermark of a partition in ms since 1970: its newest event time minus the delay. Order exists within a partition only, so
 * there is no watermark of a topic.
 * @param newestMs newest event time so far, see {@link boundedEventTime}; null before the first event
 */
export const watermarkOf = (newestMs: number | null): number | null =>
  newestMs === null ? null : newestMs - WATERMARK_DELAY_MS;

/** The event time that enters the watermark. The clock of a scraper may be ahead; that of the worker is the limit. */
export const boundedEventTime = (eventTimeMs: number, nowMs: number): number => Math.min(eventTimeMs, nowMs);
