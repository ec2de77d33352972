import { checkEventType, optionalCount, optionalText, requiredId, requiredPlatform } from './event-fields.ts';
import { eventTimeMs } from './event-time.ts';
import { parseEvent, type RawRecord } from './parse-event.ts';
import type { JsonObject } from './parse-json-object.ts';
import type { ParseOutcome } from './parse-outcome.ts';

/** A scraped video, validated. Null means that the event does not have the value. */
export interface VideoEvent {
  readonly event_id: string | null;
  /** Event time in ms since 1970 (UTC). */
  readonly event_time_ms: number;
  readonly platform: string;
  readonly content_id: string;
  /** The username of its KOL. */
  readonly kol_id: string | null;
  readonly caption: string | null;
  readonly views: number | null;
  readonly likes: number | null;
  readonly comments: number | null;
  readonly shares: number | null;
}

/** Parses and validates a record of kol.videos.raw. */
export const parseVideoEvent = (record: RawRecord, nowMs: number): ParseOutcome<VideoEvent> =>
  parseEvent(record, nowMs, readFields);

function readFields(event: JsonObject, receivedMs: number): VideoEvent {
  checkEventType(event, 'video');
  return {
    event_id: optionalText(event, 'event_id'),
    event_time_ms: eventTimeMs(event, receivedMs),
    platform: requiredPlatform(event),
    content_id: requiredId(event, 'video_id'),
    kol_id: optionalText(event, 'username') || null,
    caption: optionalText(event, 'caption'),
    views: optionalCount(event, 'view_count', 'view_count_raw', 'view_raw'),
    likes: optionalCount(event, 'like_count', 'like_count_raw', 'like_raw'),
    comments: optionalCount(event, 'comment_count', 'comment_count_raw', 'comment_raw'),
    shares: optionalCount(event, 'share_count', 'share_count_raw', 'share_raw'),
  };
}
