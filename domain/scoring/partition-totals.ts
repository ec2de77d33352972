/** Milliseconds of each step of a micro-batch that ran. */
export type Phases = Partial<Record<'read' | 'features' | 'model' | 'cache', number>>;

/** Counts of a partition since its loop first started. They are committed with its offset, so each record counts once. */
export interface PartitionTotals {
  readonly batches: number;
  readonly records: number;
  /** Scored profiles, or refreshed videos. */
  readonly scored: number;
  readonly deadLetters: number;
  readonly superseded: number;
  /** Events behind the watermark that were left out, because the settings say so. */
  readonly dropped: number;
  /** Scored events that were behind the watermark. */
  readonly late: number;
  /** Results that were not written, because Redis has newer ones or the KOL was erased. */
  readonly outdated: number;
  /** Offsets that retention deleted before they were read. */
  readonly expired: number;
}

export const NO_TOTALS: PartitionTotals = {
  batches: 0,
  records: 0,
  scored: 0,
  deadLetters: 0,
  superseded: 0,
  dropped: 0,
  late: 0,
  outdated: 0,
  expired: 0,
};

const names = Object.keys(NO_TOTALS) as (keyof PartitionTotals)[];

export const addTotals = (a: PartitionTotals, b: Partial<PartitionTotals>): PartitionTotals =>
  Object.fromEntries(names.map((name) => [name, a[name] + (b[name] ?? 0)])) as Record<
    keyof PartitionTotals,
    number
  >;

/** Whether a value that comes from outside is a complete set of counts. */
export const isTotals = (value: unknown): value is PartitionTotals =>
  typeof value === 'object' &&
  value !== null &&
  names.every((name) => Number.isSafeInteger((value as Partial<PartitionTotals>)[name]));
