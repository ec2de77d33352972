import type { CacheEntry } from '../schema/entry.ts';

/** How people engage with a KOL's latest scraped video. */
export interface Engagement {
  readonly kol_id: string;
  readonly content_id: string;
  /** Percent of views; null without views. */
  readonly engagement_rate: number | null;
}

/** kol:engagement:{kol_id}: for our own use, what video events tell the scoring of profiles. */
export const engagement = {
  name: 'engagement',
  ttlSeconds: 86_400,
  key: (kolId: string) => `kol:engagement:${kolId}`,
  toEntry: ({ kol_id, content_id, engagement_rate }: Engagement): CacheEntry => ({
    key: engagement.key(kol_id),
    ttlSeconds: engagement.ttlSeconds,
    type: 'hash',
    fields: { kol_id, content_id, engagement_rate: engagement_rate === null ? '' : String(engagement_rate) },
  }),
};
