import type { CacheEntry } from '../schema/entry.ts';

/** The measures that KOLs are ranked by. */
export const rankingKinds = ['followers', 'engagement'] as const;
export type RankingKind = (typeof rankingKinds)[number];

/** One KOL in a ranking. */
export interface RankingEntry {
  readonly kol_id: string;
  /** followers_count, or the mean engagement rate over the KOL's content in percent. */
  readonly score: number;
}

/** kol:top:{kind}:{platform}:{limit}: kol_id with the value that it is ranked by as score. */
export const ranking = {
  name: 'ranking',
  ttlSeconds: 900,
  prefix: 'kol:top:',
  key: (kind: RankingKind, platform: string, limit: number) =>
    `${ranking.prefix}${kind}:${platform}:${limit}`,
  /** @param ranked highest first; the first `limit` are kept */
  toEntry: (
    kind: RankingKind,
    platform: string,
    limit: number,
    ranked: readonly RankingEntry[],
  ): CacheEntry => ({
    key: ranking.key(kind, platform, limit),
    ttlSeconds: ranking.ttlSeconds,
    type: 'zset',
    members: ranked.slice(0, limit).map(({ kol_id, score }) => [kol_id, score] as const),
  }),
};
