/** What started a warm. */
export const warmTriggers = ['schedule', 'startup', 'etl', 'manual'] as const;
export type WarmTrigger = (typeof warmTriggers)[number];

/** Options of a warm. Every option has a default, so {} is a full warm. */
export interface WarmOptions {
  /** Reads the lakehouse and reports what it would write, but writes nothing. */
  readonly dryRun: boolean;
  /** Warms every profile, not only the hot ones. */
  readonly allProfiles: boolean;
  /** Reads the lakehouse even when its tables have not changed since the last warm. */
  readonly force: boolean;
  /** Accepts a read that is much smaller than the last one. */
  readonly allowShrink: boolean;
}
