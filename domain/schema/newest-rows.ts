import { isoTimeMs } from '../values/iso-time.ts';

/** A row with the time at which its pipeline wrote it, as ISO 8601 text. */
export interface ProcessedRow {
  readonly processed_at: string | null;
}

/** The newest rows of a page, for tables in which an upsert left several rows of one id. */
export interface NewestRows<Row> {
  /** Rows that are newer than all rows of the same id before; one of each id, in the order of their ids' first rows. */
  readonly rows: readonly Row[];
  /** How many of them replace a row that an earlier call returned. */
  readonly replacing: number;
}

/**
 * Keeps the newest row of each id over several pages. The row with the newest `processed_at` wins; if times are equal, the first one. An
 * unknown or unreadable time counts as the oldest. It keeps an id and a time in memory for each row.
 * @returns a function for one page after the other
 */
export function createNewestRows<Row extends ProcessedRow>(
  idOf: (row: Row) => string,
): (page: readonly Row[]) => NewestRows<Row> {
  const newest = new Map<string, string | null>();
  return (page) => {
    const rows = new Map<string, Row>();
    let replacing = 0;
    for (const row of page) {
      const id = idOf(row);
      const before = newest.get(id);
      if (before !== undefined && processedMs(row.processed_at) <= processedMs(before)) continue;
      if (before !== undefined && !rows.has(id)) replacing += 1;
      newest.set(id, row.processed_at);
      rows.set(id, row);
    }
    return { rows: [...rows.values()], replacing };
  };
}

/** The newest row of each id. */
export const newestRows = <Row extends ProcessedRow>(
  rows: readonly Row[],
  idOf: (row: Row) => string,
): readonly Row[] => createNewestRows(idOf)(rows).rows;

/** When a row was processed, in milliseconds; -Infinity when that is unknown. */
export function processedMs(processedAt: string | null): number {
  const ms = processedAt === null ? NaN : isoTimeMs(processedAt);
  return Number.isNaN(ms) ? -Infinity : ms;
}
