import type { Content } from '../entities/content.ts';
import { heatOf } from '../entities/trending.ts';
import { isoTimeMs } from '../values/iso-time.ts';
import type { VideoEvent } from './parse-video-event.ts';

const DAY_MS = 86_400_000;

/** What the lakehouse says of an item: its row, null when it has none, undefined when it did not answer in time. */
export type LakehouseItem = Content | null | undefined;

type Counts = Pick<Content, 'views' | 'likes' | 'comments' | 'shares'>;

/**
 * (likes + comments + shares) / views in percent, like Silver's engagement_rate. Null without views, and when no other count is
 * known.
 */
export function engagementRate({ views, likes, comments, shares }: Counts): number | null {
  if (views === null || views === 0) return null;
  if (likes === null && comments === null && shares === null) return null;
  return (((likes ?? 0) + (comments ?? 0) + (shares ?? 0)) / views) * 100;
}

/** An item that an event and the lakehouse were merged into. */
export interface MergedContent extends Content {
  /** The time of the row that describes the item (ms since 1970). Absent when no row does. */
  readonly row_time_ms?: number | undefined;
}

/**
 * The content item after a video event. Each count is the newest known one: from the event, the row or the cached detail.
 * The description comes from the lakehouse: from the row or from the row of the cached detail, whichever is newer, because a warm may
 * have read a newer row than this look-up. Without either, the event describes the item.
 * @param cached the cached detail, from a row or from an event that is not newer than this one; null when nothing is cached
 */
export function refreshContent(
  event: VideoEvent,
  row: LakehouseItem,
  cached: MergedContent | null,
): MergedContent {
  const described = describedOf(row, cached);
  const sources = [
    { timeMs: event.event_time_ms, item: event },
    ...[row, cached].flatMap((item) => (item ? [{ timeMs: contentTimeMs(item), item }] : [])),
  ].sort((a, b) => b.timeMs - a.timeMs); // stable: of equal times, the event counts
  const countOf = (name: keyof Counts) => sources.find(({ item }) => item[name] !== null)?.item[name] ?? null;
  const counts = {
    views: countOf('views'),
    likes: countOf('likes'),
    comments: countOf('comments'),
    shares: countOf('shares'),
  };
  return {
    content_id: event.content_id,
    kol_id: described?.kol_id ?? event.kol_id ?? cached?.kol_id ?? null,
    platform: event.platform,
    content_type: described?.content_type ?? 'video',
    title: described?.title ?? event.caption ?? cached?.title ?? null,
    description: described?.description ?? event.caption ?? cached?.description ?? null,
    ...counts,
    engagement_rate: engagementRate(counts) ?? described?.engagement_rate ?? null,
    duration_seconds: described?.duration_seconds ?? null,
    posted_at: described?.posted_at ?? null,
    hashtags: described?.hashtags ?? null,
    source: described === null ? STREAM_ONLY : described.source,
    processed_at: new Date(Math.max(...sources.map(({ timeMs }) => timeMs))).toISOString(),
    ...(described?.row_time_ms !== undefined && { row_time_ms: described.row_time_ms }),
  };
}

/** What describes an item: a row, or the row of the cached detail if that is newer. */
function describedOf(row: LakehouseItem, cached: MergedContent | null): MergedContent | null {
  const ofRow = row ? { ...row, row_time_ms: contentTimeMs(row) } : null;
  if (cached === null || cached.source === STREAM_ONLY) return ofRow;
  if (ofRow === null) return cached;
  return (cached.row_time_ms ?? -Infinity) > ofRow.row_time_ms ? cached : ofRow;
}

/** The source of an item that is known from events only. */
export const STREAM_ONLY = 'stream';

/** When the values of an item were true: the event time, or the time of the row. An item without a time is the oldest. */
export const contentTimeMs = ({ processed_at }: Content): number => isoTimeMs(processed_at ?? '') || 0;

/** How an event changes trending content. */
export interface TrendingMove {
  readonly content_id: string;
  readonly platform: string;
  readonly heat: number;
  /** Whether the item may enter the list. Otherwise it only moves when it is in the list already. */
  readonly mayEnter: boolean;
}

/**
 * Items posted in the last 24 h may enter trending content. One that the lakehouse does not have counts as posted when its event
 * happened. An unknown count is 0, as in a warm. But without an answer of the lakehouse the count may exist there, and the item stays.
 * @param content the item after the event
 * @returns null when the heat is not known
 */
export function trendingMoveOf(
  event: VideoEvent,
  content: Content,
  row: LakehouseItem,
  nowMs: number,
): TrendingMove | null {
  if (row === undefined && (content.views === null || content.likes === null)) return null;
  const postedMs =
    content.posted_at !== null ? isoTimeMs(content.posted_at) : row === null ? event.event_time_ms : NaN;
  return {
    content_id: content.content_id,
    platform: event.platform,
    heat: heatOf(content.views, content.likes),
    mayEnter: postedMs > nowMs - DAY_MS && postedMs <= nowMs + DAY_MS,
  };
}
