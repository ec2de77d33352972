import { contentRows } from './content.ts';
import type { LakehouseTable, RowCounts } from './generation-context.ts';
import { profileRows } from './profiles.ts';
import { trustFeatureRows } from './trust-features.ts';

/** Row counts of the production tables today. */
const TODAY: RowCounts = {
  tiktokProfiles: 48,
  twitterProfiles: 37_438,
  tiktokContent: 490,
  youtubeContent: 19_538,
};

/** @returns today's row counts multiplied by `scale`, at least one row each */
export function rowCounts(scale: number): RowCounts {
  const scaled = (count: number) => Math.max(1, Math.round(count * scale));
  return {
    tiktokProfiles: scaled(TODAY.tiktokProfiles),
    twitterProfiles: scaled(TODAY.twitterProfiles),
    tiktokContent: scaled(TODAY.tiktokContent),
    youtubeContent: scaled(TODAY.youtubeContent),
  };
}

/** The Silver tables, in the order in which they are created. */
export const LAKEHOUSE_TABLES: readonly LakehouseTable[] = [
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
    derivedFrom: 'kol_profiles',
  },
];
