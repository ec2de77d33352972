import {
  checkEventType,
  optionalCount,
  optionalFlag,
  optionalText,
  requiredId,
  requiredPlatform,
} from './event-fields.ts';
import { eventTimeMs } from './event-time.ts';
import { parseEvent, type RawRecord } from './parse-event.ts';
import type { JsonObject } from './parse-json-object.ts';
import type { ParseOutcome } from './parse-outcome.ts';

/** A scraped profile, validated. Null means that the event does not have the value. */
export interface ProfileEvent {
  readonly event_id: string | null;
  /** Event time in ms since 1970 (UTC). */
  readonly event_time_ms: number;
  readonly platform: string;
  /** The username, which is the KOL's id on the hot path. */
  readonly kol_id: string;
  readonly nickname: string | null;
  readonly followers_count: number | null;
  readonly following_count: number | null;
  readonly post_count: number | null;
  readonly favorites_count: number | null;
  readonly verified: boolean | null;
  readonly bio: string | null;
  readonly avatar_url: string | null;
  readonly profile_url: string | null;
}

/** Parses and validates a record of kol.profiles.raw. */
export const parseProfileEvent = (record: RawRecord, nowMs: number): ParseOutcome<ProfileEvent> =>
  parseEvent(record, nowMs, readFields);

function readFields(event: JsonObject, receivedMs: number): ProfileEvent {
  checkEventType(event, 'profile');
  return {
    event_id: optionalText(event, 'event_id'),
    event_time_ms: eventTimeMs(event, receivedMs),
    platform: requiredPlatform(event),
    kol_id: requiredId(event, 'username'),
    nickname: optionalText(event, 'nickname'),
    followers_count: optionalCount(event, 'followers_count', 'followers_raw'),
    following_count: optionalCount(event, 'following_count', 'following_raw'),
    post_count: optionalCount(event, 'post_count', 'posts_raw'),
    favorites_count: optionalCount(event, 'favorites_count', 'likes_raw'),
    verified: optionalFlag(event, 'verified'),
    // TikTok calls the bio `signature`.
    bio: optionalText(event, 'bio') ?? optionalText(event, 'signature'),
    avatar_url: optionalText(event, 'avatar_url'),
    profile_url: optionalText(event, 'profile_url'),
  };
}
