import type { GenerationContext } from './generation-context.ts';
import { profileIdentities } from './profiles.ts';
import { isoTime, logNormal, numbers, pickIn, seededRandomSql } from './seeded-random-sql.ts';
import { biographies, hashtags, languages, titleEnds, titleStarts } from './vocabulary.ts';

type Platform = 'tiktok' | 'youtube';

/** Typical values of a platform's videos. A `skew` above 1 means that some KOLs publish far more videos than others. */
// prettier-ignore
const TYPICAL = {
  tiktok: {
    medianViews: 60_000,
    sigma: 1.9,
    zeroViews: 0.01,
    medianSeconds: 28,
    longestSeconds: 600,
    skew: 2,
  },
  youtube: {
    medianViews: 3_500,
    sigma: 2.4,
    zeroViews: 0.02,
    medianSeconds: 420,
    longestSeconds: 43_200,
    skew: 3,
  },
};
/** Number of YouTube channels, independent of the number of videos. */
const CHANNELS = 3_000;
/** Maximum age of content. A large part is from the last day. */
const MAX_AGE_HOURS = 240;

const videoRandom = (platform: Platform, seed: string) =>
  seededRandomSql(seed, `'${platform}-content/' || CAST(n AS VARCHAR)`);

/** Query for kol_content. TikTok videos belong to the KOLs of kol_profiles, most YouTube videos to channels outside that table. */
export const contentRows = (context: GenerationContext): string =>
  `${platformContent('tiktok', context)}\nUNION ALL\n${platformContent('youtube', context)}`;

function platformContent(platform: Platform, context: GenerationContext): string {
  const { seed, referenceSeconds } = context;
  const { medianSeconds, longestSeconds } = TYPICAL[platform];
  const random = videoRandom(platform, seed);
  const { pick, chance, uniform, normal, bits } = random;
  const share = (name: string, low: number, high: number) =>
    `CAST(floor(views * (${low}e0 + ${high - low}e0 * power(${uniform(name)}, 2))) AS BIGINT)`;
  const youtube = platform === 'youtube';
  // YouTube ids have 11 base64url characters, TikTok ids have 19 digits.
  const contentId = youtube
    ? `substr(to_base64url(${bits('id')}), 1, 11)`
    : `CAST(BIGINT '7200000000000000000' + n * 12345678901 AS VARCHAR)`;
  const tags = [1, 2, 3, 4].map((position) => pick(`tag-${position}`, hashtags)).join(', ');
  return `SELECT content_id, kol_id, '${platform}' AS platform,
  ${youtube ? `IF(duration_seconds <= 60, 'short', 'video')` : `'video'`} AS content_type,
  title, description, views, likes, comments, shares,
  IF(views = 0, NULL, round(100e0 * (COALESCE(likes, 0) + comments + COALESCE(shares, 0)) / views, 4)) AS engagement_rate,
  duration_seconds, ${isoTime('posted_seconds')} AS posted_at, hashtags, '${platform}_scraper' AS source,
  ${isoTime(`greatest(posted_seconds + 30, ${referenceSeconds} - floor(${uniform('processed')} * 3600))`)} AS processed_at
FROM (
  SELECT n, content_id, kol_id, views, posted_seconds,
    ${pickIn(random, 'title-start', 'language', titleStarts)} || ' ' || ${pickIn(random, 'title-end', 'language', titleEnds)} AS title,
    CASE WHEN ${chance('no-description', 0.1)} THEN NULL WHEN ${chance('empty-description', 0.05)} THEN ''
      ELSE ${pickIn(random, 'description', 'language', biographies)} END AS description,
    ${youtube ? `IF(${chance('hidden-likes', 0.01)}, NULL, ${share('likes', 0.005, 0.09)})` : share('likes', 0.02, 0.2)} AS likes,
    ${share('comments', 0.0002, 0.01)} AS comments,
    ${youtube ? 'CAST(NULL AS BIGINT)' : share('shares', 0.0005, 0.03)} AS shares,
    IF(${chance('no-duration', 0.01)}, NULL,
      least(greatest(${logNormal(normal('duration'), medianSeconds, 0.9)}, 3), ${longestSeconds})) AS duration_seconds,
    CASE WHEN ${chance('no-tags', 0.15)} THEN NULL
      ELSE json_format(CAST(slice(ARRAY[${tags}], 1, CAST(floor(${uniform('tags')} * 5) AS INTEGER)) AS JSON)) END AS hashtags
  FROM (SELECT *, ${contentId} AS content_id FROM (${videosWithCreators(platform, context)}))
)`;
}

/** Query for the creator, views, posting time and language of each video. */
function videosWithCreators(platform: Platform, context: GenerationContext): string {
  const { seed, counts, referenceSeconds } = context;
  const { pick, chance, uniform, normal } = videoRandom(platform, seed);
  const { medianViews, sigma, zeroViews, skew } = TYPICAL[platform];
  const [videos, creators] =
    platform === 'tiktok' ? [counts.tiktokContent, counts.tiktokProfiles] : [counts.youtubeContent, CHANNELS];
  const drawn = `SELECT n,
      IF(${chance('unseen', zeroViews)}, 0,
        least(${logNormal(normal('views'), medianViews, sigma)}, 900000000)) AS views,
      ${referenceSeconds} - 60 - floor(power(${uniform('posted')}, 1.4e0) * ${MAX_AGE_HOURS} * 3600) AS posted_seconds,
      ${pick('language', languages)} AS language,
      1 + CAST(floor(power(${uniform('kol')}, ${skew}) * ${creators}) AS BIGINT) AS creator
    FROM ${numbers(videos)}`;
  if (platform === 'tiktok')
    return `SELECT drawn.*, kol.kol_id FROM (${drawn}) AS drawn
    JOIN (${profileIdentities('tiktok', context)}) AS kol ON kol.n = drawn.creator`;
  const channel = seededRandomSql(seed, `'channel/' || CAST(drawn.creator AS VARCHAR)`);
  return `SELECT drawn.*, COALESCE(kol.kol_id,
      'UC' || substr(to_base64url(${channel.bits('a')} || ${channel.bits('b')}), 1, 22)) AS kol_id
    FROM (${drawn}) AS drawn
    -- One channel in fifty belongs to a KOL from Twitter.
    LEFT JOIN (${profileIdentities('twitter', context)}) AS kol ON kol.n = drawn.creator AND drawn.creator % 50 = 0`;
}
