import { NO_COUNTS, type RangeCounts } from './range-report.ts';

/** What is committed beside each offset, in the same transaction, so that whoever goes on from there knows it. */
export interface CommittedMetadata {
  /** Worker that committed it. */
  readonly worker: string;
  /** Newest event time seen in the partition, for the watermark. */
  readonly max_event_time_ms: number | null;
  /** From where on a planned range is committed so far, and what became of it: the next attempt counts one whose report was lost. */
  readonly range: { readonly from: number; readonly counts: RangeCounts } | null;
}

const NONE: CommittedMetadata = { worker: '', max_event_time_ms: null, range: null };

export const printCommittedMetadata = (metadata: CommittedMetadata): string => JSON.stringify(metadata);

/** Anything unreadable (an offset set by hand, say) means that nothing is known. */
export function parseCommittedMetadata(text: string | null): CommittedMetadata {
  if (text === null || text === '') return NONE;
  try {
    const { worker, max_event_time_ms, range } = JSON.parse(text) as Partial<CommittedMetadata>;
    return {
      worker: typeof worker === 'string' ? worker : '',
      max_event_time_ms: typeof max_event_time_ms === 'number' ? max_event_time_ms : null,
      range: range != null && isRange(range) ? range : null,
    };
  } catch {
    return NONE;
  }
}

const countNames = Object.keys(NO_COUNTS) as (keyof RangeCounts)[];
const isRange = ({ from, counts }: NonNullable<CommittedMetadata['range']>): boolean =>
  typeof from === 'number' && countNames.every((name) => typeof counts?.[name] === 'number');

/** Events this much older than the newest one seen are late (domain.md: watermark 5 minutes of event time). */
export const WATERMARK_DELAY_MS = 5 * 60_000;

/** The watermark of a topic: newest event time over its partitions, less the delay; null before the first event. */
export function watermarkOf(committed: readonly CommittedMetadata[]): number | null {
  const newest = committed.map(({ max_event_time_ms }) => max_event_time_ms).filter((time) => time !== null);
  return newest.length === 0 ? null : Math.max(...newest) - WATERMARK_DELAY_MS;
}
