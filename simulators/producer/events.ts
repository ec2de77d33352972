import { chance, pick, uuid, type Random } from './random.ts';
import { rawCount } from './raw-count.ts';
import type { ProfileSubject, VideoSubject } from './subjects.ts';

/** An event as scrapers send it (docs/contract.md): any field may be missing or null. */
export type ScrapedEvent = Readonly<Record<string, string | number | boolean | null>>;

/** Shares of fields that a scraper did not find: it omits the field or sends null. */
const MISSING_SHARE = 0.04;
const NULL_SHARE = 0.04;

/**
 * A scraped profile. The same random numbers, time and subject give the same event.
 * @param now send time, ms since 1970; event_time is up to 2 s earlier, for 1 % up to 10 minutes
 */
export function profileEvent(random: Random, now: number, subject: ProfileSubject): ScrapedEvent {
  const { kolId, platform, displayName, bio, verified } = subject;
  const tiktok = platform === 'tiktok';
  const page = tiktok ? `https://www.tiktok.com/@${kolId}` : `https://twitter.com/${kolId}`;
  // Counts grow by up to 1 % between two visits.
  const drifted = (count: number) => Math.floor(count * (1 + 0.01 * random()));
  const likes = subject.followers * (1 + 20 * random());
  return {
    event_id: uuid(random),
    event_time: eventTime(random, now),
    event_type: 'profile',
    platform,
    username: kolId,
    ...counts(
      random,
      {
        followers: drifted(subject.followers),
        following: drifted(subject.following),
        likes: Math.floor(likes),
        posts: drifted(subject.posts),
      },
      PROFILE_COUNT_FIELDS,
      tiktok,
    ),
    ...omitSome(random, {
      nickname: displayName,
      // Text, because the platform's numeric ids exceed 2^53.
      user_id: /^\d+$/.test(kolId) ? kolId : null,
      verified,
      [tiktok ? 'signature' : 'bio']: bio,
      avatar_url: chance(random, 0.92) ? `${page}/avatar.jpeg` : '',
      profile_url: page,
    }),
    ...(chance(random, 0.1) ? { scraper_version: '3.2.1', region: pick(random, ['VN', 'JP', 'US']) } : {}),
  };
}

/** A scraped video; deterministic like `profileEvent`. Counts grow by up to 5 % between two visits. */
export function videoEvent(random: Random, now: number, subject: VideoSubject): ScrapedEvent {
  const { videoId, platform, kolId, title } = subject;
  const tiktok = platform === 'tiktok';
  const growth = 1 + 0.05 * random();
  const grown = (count: number) => Math.floor(count * growth);
  return {
    event_id: uuid(random),
    event_time: eventTime(random, now),
    event_type: 'video',
    platform,
    video_id: videoId,
    ...counts(
      random,
      {
        view: grown(subject.views),
        like: grown(subject.likes),
        comment: grown(subject.comments),
        share: grown(subject.shares),
      },
      VIDEO_COUNT_FIELDS,
      tiktok,
    ),
    ...omitSome(random, {
      video_url: tiktok
        ? `https://www.tiktok.com/@${kolId}/video/${videoId}`
        : `https://www.youtube.com/watch?v=${videoId}`,
      username: kolId,
      caption: title,
    }),
  };
}

/** Field names of each count: as a number, and as text. */
const PROFILE_COUNT_FIELDS = {
  followers: ['followers_count', 'followers_raw'],
  following: ['following_count', 'following_raw'],
  likes: ['favorites_count', 'likes_raw'],
  posts: ['post_count', 'posts_raw'],
} as const;
const VIDEO_COUNT_FIELDS = {
  view: ['view_count', 'view_raw'],
  like: ['like_count', 'like_raw'],
  comment: ['comment_count', 'comment_raw'],
  share: ['share_count', 'share_raw'],
} as const;

/** Counts as scrapers send them: text from TikTok's pages, mostly numbers from other platforms' APIs; some scrapers send both. */
function counts<Name extends string>(
  random: Random,
  values: Readonly<Record<Name, number>>,
  names: Readonly<Record<Name, readonly [string, string]>>,
  fromPage: boolean,
): ScrapedEvent {
  const asText = chance(random, fromPage ? 0.9 : 0.2);
  const both = chance(random, 0.1);
  const fields: Record<string, string | number> = {};
  for (const name of Object.keys(values) as Name[]) {
    const [number, text] = names[name];
    if (asText || both) fields[text] = rawCount(random, values[name]);
    if (!asText || both) fields[number] = values[name];
  }
  return omitSome(random, fields);
}

/** The same fields, except that some are missing and some are null. */
function omitSome(random: Random, fields: ScrapedEvent): ScrapedEvent {
  const found: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(fields)) {
    const draw = random();
    if (draw < MISSING_SHARE) continue;
    found[name] = draw < MISSING_SHARE + NULL_SHARE ? null : value;
  }
  return found;
}

/** Up to 2 s ago. 1 % are delayed by up to 10 minutes, and some of those are older than the watermark of 5 minutes allows. */
function eventTime(random: Random, now: number): string {
  const delay = chance(random, 0.01) ? 600_000 * random() : 2_000 * random();
  return new Date(Math.floor(now - delay)).toISOString();
}
