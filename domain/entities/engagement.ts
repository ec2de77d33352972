import type { CacheEntry } from '../schema/entry.ts';

/** Engagement with the latest scraped video of a KOL. */
export interface Engagement {
  readonly kol_id: string;
  readonly content_id: string;
  /** Percent of views; null when the video has no views. */
  readonly engagement_rate: number | null;
}

/** kol:engagement:{kol_id}: the latest engagement from video events, for tools that read Redis. The system itself only erases it. */
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
