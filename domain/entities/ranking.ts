import type { CacheEntry } from '../schema/entry.ts';

/** What KOLs are ranked by. */
export const rankingKinds = ['followers', 'engagement'] as const;
export type RankingKind = (typeof rankingKinds)[number];

/** One place of a ranking. */
export interface Ranked {
  readonly kol_id: string;
  /** followers_count, or the mean engagement rate over the KOL's content in percent. */
  readonly score: number;
}

/** kol:top:{kind}:{platform}:{limit}: kol_id scored by what it is ranked by. */
export const ranking = {
  name: 'ranking',
  ttlSeconds: 900,
  key: (kind: RankingKind, platform: string, limit: number) => `kol:top:${kind}:${platform}:${limit}`,
  /** @param ranked highest first; the first `limit` are kept */
  toEntry: (kind: RankingKind, platform: string, limit: number, ranked: readonly Ranked[]): CacheEntry => ({
    key: ranking.key(kind, platform, limit),
    ttlSeconds: ranking.ttlSeconds,
    type: 'zset',
    members: ranked.slice(0, limit).map(({ kol_id, score }) => [kol_id, score] as const),
  }),
};
