import type { Content } from '../entities/content.ts';
import { heatOf } from '../entities/trending.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import type { VideoEvent } from './parse-video-event.ts';

const DAY_MS = 86_400_000;

/** (likes + comments + shares) / views in percent, like Silver's engagement_rate; null without views. */
export function engagementRate({
  views,
  likes,
  comments,
  shares,
}: Pick<Content, 'views' | 'likes' | 'comments' | 'shares'>) {
  if (views === null || views === 0) return null;
  return (((likes ?? 0) + (comments ?? 0) + (shares ?? 0)) / views) * 100;
}

/**
 * The content item after a video event. Counts of the event win; the other values come from the lakehouse.
 * @param known null when the lakehouse has no such item
 */
export function refreshContent(event: VideoEvent, known: Content | null): Content {
  const counts = {
    views: event.views ?? known?.views ?? null,
    likes: event.likes ?? known?.likes ?? null,
    comments: event.comments ?? known?.comments ?? null,
    shares: event.shares ?? known?.shares ?? null,
  };
  return {
    content_id: event.content_id,
    kol_id: known?.kol_id ?? event.kol_id,
    platform: event.platform,
    content_type: known?.content_type ?? 'video',
    title: known?.title ?? event.caption,
    description: known?.description ?? event.caption,
    ...counts,
    engagement_rate: engagementRate(counts) ?? known?.engagement_rate ?? null,
    duration_seconds: known?.duration_seconds ?? null,
    posted_at: known?.posted_at ?? null,
    hashtags: known?.hashtags ?? null,
    source: known?.source ?? 'stream',
    processed_at: new Date(event.event_time_ms).toISOString(),
  };
}

/** How an event changes trending content. */
export interface TrendingMove {
  readonly content_id: string;
  readonly platform: string;
  readonly heat: number;
  /** Whether the item may enter the list. Otherwise it only moves when it is in the list already. */
  readonly mayEnter: boolean;
}

/**
 * Items posted in the last 24 h may enter trending content. An item that the lakehouse does not have is new, so it may enter
 * too. When the lakehouse did not answer, the age of the item is unknown and it may not enter.
 * @param known null when the lakehouse has no such item
 */
export function trendingMoveOf(
  event: VideoEvent,
  content: Content,
  known: Content | null,
  lakehouseAnswered: boolean,
): TrendingMove {
  const postedMs = isoTimeMs(known?.posted_at ?? '');
  const isRecent = postedMs > event.event_time_ms - DAY_MS && postedMs <= event.event_time_ms + DAY_MS;
  return {
    content_id: content.content_id,
    platform: event.platform,
    heat: heatOf(content.views, content.likes),
    mayEnter: known === null ? lakehouseAnswered : isRecent,
  };
}
