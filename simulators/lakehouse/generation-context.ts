/** Number of KOLs and videos per platform. */
export interface RowCounts {
  readonly tiktokProfiles: number;
  readonly twitterProfiles: number;
  readonly tiktokContent: number;
  readonly youtubeContent: number;
}

/** Everything that determines the rows of a lakehouse: the same context gives the same rows. */
export interface GenerationContext {
  readonly counts: RowCounts;
  readonly seed: string;
  /** The current time for all times in the tables, in whole seconds since 1970. */
  readonly referenceSeconds: number;
  /** `catalog.schema`, quoted for SQL. */
  readonly schema: string;
}

/** One Silver table and how to generate it. */
export interface LakehouseTable {
  readonly name: string;
  /** The column that identifies its rows. */
  readonly idColumn: string;
  readonly rows: (counts: RowCounts) => number;
  /** The SQL query that generates its rows. */
  readonly select: (context: GenerationContext) => string;
  /** The table from which its rows are derived. When that table is replaced, this one is too. */
  readonly derivedFrom?: string;
}
