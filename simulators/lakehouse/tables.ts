import { profileRows } from './profiles.ts';
import { contentRows } from './content.ts';
import { trustFeatureRows } from './trust-features.ts';

/** How many KOLs and videos of each platform a lakehouse has. */
export interface RowCounts {
  readonly tiktokProfiles: number;
  readonly twitterProfiles: number;
  readonly tiktokContent: number;
  readonly youtubeContent: number;
}

/** What the rows of a lakehouse depend on. */
export interface GenerationContext {
  readonly counts: RowCounts;
  readonly seed: string;
  /** "Now" of all times in the tables, in whole seconds since 1970. */
  readonly referenceSeconds: number;
  /** `catalog.schema`, quoted for SQL. */
  readonly schema: string;
}

/** One Silver table: how many rows it has, and the query that makes them. */
export interface LakehouseTable {
  readonly name: string;
  /** The column that tells its rows apart. */
  readonly idColumn: string;
  readonly rows: (counts: RowCounts) => number;
  readonly select: (making: GenerationContext) => string;
  /** The table whose rows it is made from: made anew with it. */
  readonly madeFrom?: string;
}

const TODAY: RowCounts = {
  tiktokProfiles: 48,
  twitterProfiles: 37_438,
  tiktokContent: 490,
  youtubeContent: 19_538,
};

/** Today's row counts times `scale`, at least one row each. */
export function rowCounts(scale: number): RowCounts {
  const scaled = (count: number) => Math.max(1, Math.round(count * scale));
  return {
    tiktokProfiles: scaled(TODAY.tiktokProfiles),
    twitterProfiles: scaled(TODAY.twitterProfiles),
    tiktokContent: scaled(TODAY.tiktokContent),
    youtubeContent: scaled(TODAY.youtubeContent),
  };
}

/** In the order in which they are made. */
export const lakehouseTables: readonly LakehouseTable[] = [
  {
    name: 'kol_profiles',
    idColumn: 'kol_id',
    rows: ({ tiktokProfiles, twitterProfiles }) => tiktokProfiles + twitterProfiles,
    select: profileRows,
  },
  {
    name: 'kol_content',
    idColumn: 'content_id',
    rows: ({ tiktokContent, youtubeContent }) => tiktokContent + youtubeContent,
    select: contentRows,
  },
  {
    name: 'kol_trust_features',
    idColumn: 'kol_id',
    rows: ({ twitterProfiles }) => twitterProfiles,
    select: trustFeatureRows,
    madeFrom: 'kol_profiles',
  },
];
