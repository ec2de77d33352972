import { isBlank, normalizeHandle } from '../values/text-ids.ts';
import {
  checkEventType,
  eventTimeMs,
  optionalCount,
  optionalFlag,
  optionalPlatform,
  optionalText,
  requiredId,
} from './event-fields.ts';
import {
  type JsonObject,
  parseEvent,
  type ParseOutcome,
  type RawRecord,
  type ReceivedTimes,
} from './parse-event.ts';

/** Parses and validates a record of kol.profiles.raw. */
export const parseProfileEvent = (record: RawRecord, nowMs: number): ParseOutcome<ProfileEvent> =>
  parseEvent(record, nowMs, readFields);

/**
 * The account of an event: the same name on two platforms is two accounts. Events without a platform are kept apart from both,
 * because their platform is looked up later.
 */
export const accountOf = ({ platform, kol_id }: Pick<ProfileEvent, 'platform' | 'kol_id'>): string =>
  `${platform ?? ''}/${kol_id}`;

/** A scraped profile, validated. Null means that the event does not have the value. */
export type ProfileEvent = Readonly<ReturnType<typeof readFields>>;

function readFields(event: JsonObject, received: ReceivedTimes) {
  checkEventType(event, 'profile');
  const negative_counts: string[] = [];
  return {
    event_id: optionalText(event, 'event_id'),
    /** Event time in ms since 1970 (UTC). */
    event_time_ms: eventTimeMs(event, received),
    /** In lower case; null when the event does not say it, see `platformOf`. */
    platform: optionalPlatform(event),
    /** The username, which is the KOL's id on the hot path. */
    kol_id: requiredId(event, 'username', normalizeHandle),
    nickname: optionalText(event, 'nickname'),
    // Not valid when negative: a score without the number of followers would be a guess.
    followers_count: optionalCount(event, ['followers_count', 'followers_raw']),
    following_count: optionalCount(event, ['following_count', 'following_raw'], negative_counts),
    post_count: optionalCount(event, ['post_count', 'posts_raw'], negative_counts),
    favorites_count: optionalCount(event, ['favorites_count', 'likes_raw'], negative_counts),
    verified: optionalFlag(event, 'verified'),
    bio: readBio(event),
    avatar_url: optionalText(event, 'avatar_url'),
    profile_url: optionalText(event, 'profile_url'),
    /** Fields whose counts are negative, so unknown: they wrapped, or the scraper had none. */
    negative_counts,
  };
}

/**
 * The first of `bio` and `signature` (TikTok's name for it) that says something. Only its length is used, so any length is accepted.
 * @returns "" when the profile has an empty one, null when the event has none
 */
function readBio(event: JsonObject): string | null {
  const bio = optionalText(event, 'bio', Infinity);
  if (bio !== null && !isBlank(bio)) return bio;
  const signature = optionalText(event, 'signature', Infinity);
  if (signature !== null && !isBlank(signature)) return signature;
  return bio === null && signature === null ? null : '';
}
