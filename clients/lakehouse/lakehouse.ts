import { createReadsById, type ReadsById } from './reads/by-id.ts';
import { createProfileReads, type ProfileReads } from './reads/profiles.ts';
import { createRankingReads, type RankingReads } from './reads/rankings.ts';
import { createStatisticsReads, type StatisticsReads } from './reads/statistics.ts';
import { createTableReads, type TableReads } from './reads/tables.ts';
import { createTrustFeatureReads, type TrustFeatureReads } from './reads/trust-features.ts';
import { createSilverReader, type SilverCatalog } from './silver-catalog.ts';
import type { Trino } from './trino.ts';

/** All reads of the Silver tables. Their SQL is in queries.ts. */
export interface Lakehouse
  extends TableReads, ReadsById, ProfileReads, RankingReads, StatisticsReads, TrustFeatureReads {}

export function createLakehouse(trino: Trino, silver: SilverCatalog): Lakehouse {
  const reader = createSilverReader(trino, silver);
  return {
    ...createTableReads(trino, silver),
    ...createReadsById(reader),
    ...createProfileReads(reader),
    ...createRankingReads(reader),
    ...createStatisticsReads(reader),
    ...createTrustFeatureReads(reader),
  };
}
