import type { Content } from '../entities/content.ts';
import { heatOf } from '../entities/trending.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import type { VideoEvent } from './video-event.ts';

const DAY_MS = 86_400_000;

/** (likes + comments + shares) of views in percent, as Silver's engagement_rate; null without views. */
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
 * The content item after a video event: what the event says is new, the rest is as the lakehouse knows it.
 * @param known null where the lakehouse has no such item
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

/** An item's place in trending content. */
export interface TrendingMove {
  readonly content_id: string;
  readonly platform: string;
  readonly heat: number;
  /** May enter the list; what may not only changes its place where it is in it already. */
  readonly mayEnter: boolean;
}

/**
 * How an event moves trending content: items of the last 24 h may enter. One that the lakehouse does not know is new, so it
 * may; when the lakehouse could not be asked, nothing is known and nothing enters.
 * @param asked whether the lakehouse answered
 */
export function trendingMoveOf(
  event: VideoEvent,
  content: Content,
  known: Content | null,
  asked: boolean,
): TrendingMove {
  const postedMs = isoTimeMs(known?.posted_at ?? '');
  const recent = postedMs > event.event_time_ms - DAY_MS && postedMs <= event.event_time_ms + DAY_MS;
  return {
    content_id: content.content_id,
    platform: event.platform,
    heat: heatOf(content.views, content.likes),
    mayEnter: known === null ? asked : recent,
  };
}
