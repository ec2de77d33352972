import { NO_COUNTS, type RangeCounts } from './range-report.ts';

/** Metadata that is committed with each offset, in the same transaction, for the attempt that continues from there. */
export interface CommittedMetadata {
  /** The worker that committed it. */
  readonly worker: string;
  /** Newest event time seen in the partition, for the watermark. */
  readonly max_event_time_ms: number | null;
  /**
   * The first offset of the planned range, and the outcome of its records so far. When the report of an attempt is lost, the
   * next attempt counts these records from here.
   */
  readonly range: { readonly from: number; readonly counts: RangeCounts } | null;
}

const UNKNOWN: CommittedMetadata = { worker: '', max_event_time_ms: null, range: null };

export const serializeCommittedMetadata = (metadata: CommittedMetadata): string => JSON.stringify(metadata);

/** Parses what can be read. The rest is unknown, for example when an operator has set the offset by hand. */
export function parseCommittedMetadata(text: string | null): CommittedMetadata {
  if (text === null || text === '') return UNKNOWN;
  try {
    const { worker, max_event_time_ms, range } = JSON.parse(text) as Partial<CommittedMetadata>;
    return {
      worker: typeof worker === 'string' ? worker : '',
      max_event_time_ms: typeof max_event_time_ms === 'number' ? max_event_time_ms : null,
      range: range != null && isRange(range) ? range : null,
    };
  } catch {
    return UNKNOWN;
  }
}

const countNames = Object.keys(NO_COUNTS) as (keyof RangeCounts)[];
const isRange = ({ from, counts }: NonNullable<CommittedMetadata['range']>): boolean =>
  typeof from === 'number' && countNames.every((name) => typeof counts?.[name] === 'number');
