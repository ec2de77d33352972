import { normalizeHandle } from '../values/text-ids.ts';
import {
  checkEventType,
  eventTimeMs,
  optionalCount,
  optionalId,
  optionalText,
  requiredId,
  requiredPlatform,
} from './event-fields.ts';
import {
  type JsonObject,
  parseEvent,
  type ParseOutcome,
  type RawRecord,
  type ReceivedTimes,
} from './parse-event.ts';

/** Parses and validates a record of kol.videos.raw. */
export const parseVideoEvent = (record: RawRecord, nowMs: number): ParseOutcome<VideoEvent> =>
  parseEvent(record, nowMs, readFields);

/** A scraped video, validated. Null means that the event does not have the value. */
export type VideoEvent = Readonly<ReturnType<typeof readFields>>;

function readFields(event: JsonObject, received: ReceivedTimes) {
  checkEventType(event, 'video');
  // Such a count is unknown. A video has no output record that could note it.
  const negative: string[] = [];
  return {
    event_id: optionalText(event, 'event_id'),
    /** Event time in ms since 1970 (UTC). */
    event_time_ms: eventTimeMs(event, received),
    platform: requiredPlatform(event),
    content_id: requiredId(event, 'video_id'),
    /** The username of its KOL. */
    kol_id: optionalId(event, 'username', normalizeHandle),
    caption: optionalText(event, 'caption'),
    views: optionalCount(event, ['view_count', 'view_count_raw', 'view_raw'], negative),
    likes: optionalCount(event, ['like_count', 'like_count_raw', 'like_raw'], negative),
    comments: optionalCount(event, ['comment_count', 'comment_count_raw', 'comment_raw'], negative),
    shares: optionalCount(event, ['share_count', 'share_count_raw', 'share_raw'], negative),
  };
}
