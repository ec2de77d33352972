import type { GenerationContext } from './generation-context.ts';
import { isoTime, logNormal, numbers, pickIn, seededRandomSql } from './seeded-random-sql.ts';
import {
  biographies,
  categories,
  emoji,
  firstNames,
  handleEnds,
  handleStarts,
  languages,
  lastNames,
} from './vocabulary.ts';

type Platform = 'tiktok' | 'twitter';
const DAY_SECONDS = 86_400;
/** Maximum age of accounts in days: TikTok started in 2017, Twitter in 2006. */
const MAX_AGE_DAYS = { tiktok: 3_200, twitter: 7_300 };
/** Snowflake ids: 19 digits, far above 2^53. The step keeps them unique. */
const FIRST_ID = { tiktok: '6800000000000000000', twitter: '1100000000000000000' };
const ID_STEP = 12_345_678_901;

const profileRandom = (platform: Platform, seed: string) =>
  seededRandomSql(seed, `'${platform}/' || CAST(n AS VARCHAR)`);

/** Number of base-36 digits at the end of every username. They differ for each KOL, so every username is unique. */
const suffixLength = (count: number) => Math.max(4, Math.ceil(Math.log(count + 1) / Math.log(36)));

/**
 * Query for n, kol_id and username of a platform's KOLs. For most the kol_id is the username, for some it is the platform's number.
 * Other tables use this query to get the same ids.
 */
export function profileIdentities(platform: Platform, { seed, counts }: GenerationContext): string {
  const count = platform === 'tiktok' ? counts.tiktokProfiles : counts.twitterProfiles;
  const { pick, chance, uniform } = profileRandom(platform, seed);
  const length = suffixLength(count);
  // Multiplying by a prime scatters the suffixes. They stay unique, because 36^length does not contain that prime factor.
  const suffix = `lpad(to_base((n * 7919) % ${36 ** length}, 36), ${length}, '0')`;
  const start = pick('handle-start', handleStarts);
  const end = pick('handle-end', handleEnds);
  const username =
    platform === 'tiktok'
      ? `${start} || '.' || ${end} || '.' || ${suffix}`
      : `${start} || ${end} || IF(${chance('underscore', 0.3)}, '_', '') || ${suffix}`;
  return `SELECT n, username,
    IF(${chance('numeric-id', 0.3)},
      CAST(BIGINT '${FIRST_ID[platform]}' + n * ${ID_STEP} + CAST(floor(${uniform('id')} * ${ID_STEP}) AS BIGINT) AS VARCHAR),
      username) AS kol_id
  FROM (SELECT n, ${username} AS username FROM ${numbers(count)})`;
}

/** Query for kol_profiles. */
export const profileRows = (context: GenerationContext): string =>
  `${platformProfiles('tiktok', context)}\nUNION ALL\n${platformProfiles('twitter', context)}`;

function platformProfiles(platform: Platform, context: GenerationContext): string {
  const { seed, referenceSeconds } = context;
  const random = profileRandom(platform, seed);
  const { pick, chance, uniform, normal } = random;
  // A power law: of 37,438 KOLs the most followed one has more than 100 million followers, half of them have less than a thousand.
  const pareto =
    platform === 'tiktok'
      ? `150000e0 / power(1 - ${uniform('followers')}, 1.6e0)`
      : `350e0 / power(1 - ${uniform('followers')}, 1.25e0)`;
  const age = `(1 + floor(power(${uniform('age')}, 0.7e0) * ${MAX_AGE_DAYS[platform]})) * ${DAY_SECONDS} + floor(${uniform('age-second')} * ${DAY_SECONDS})`;
  const profileUrl =
    platform === 'tiktok' ? `'https://www.tiktok.com/@' || username` : `'https://twitter.com/' || username`;
  return `SELECT kol_id, '${platform}' AS platform, username,
  CASE WHEN ${chance('no-name', 0.01)} THEN NULL WHEN ${chance('empty-name', 0.005)} THEN ''
    ELSE ${pickIn(random, 'first', 'language', firstNames)} || IF(language IN ('ja', 'ko'), '', ' ') || ${pickIn(random, 'last', 'language', lastNames)}
      || IF(${chance('emoji', 0.12)}, ' ' || ${pick('which-emoji', emoji)}, '') END AS display_name,
  CASE WHEN ${chance('no-bio', 0.08)} THEN NULL WHEN ${chance('empty-bio', 0.04)} THEN ''
    ELSE ${pickIn(random, 'bio', 'language', biographies)} END AS description,
  followers_count,
  IF(${chance('no-following', 0.02)}, NULL, least(${logNormal(normal('following'), 280, 1.3)}, 250000)) AS following_count,
  least(${logNormal(normal('posts'), platform === 'tiktok' ? 420 : 1800, 1.6)}, 3000000) AS post_count,
  ${chance('verified', `least(0.9e0, 0.002e0 + COALESCE(followers_count, 0) / 2e6)`)} AS verified,
  CASE WHEN ${chance('no-category', 0.2)} THEN NULL WHEN ${chance('empty-category', 0.01)} THEN ''
    ELSE ${pick('category', categories)} END AS category,
  IF(${chance('no-url', 0.03)}, NULL, ${profileUrl}) AS profile_url,
  IF(${chance('no-age', 0.04)}, NULL, ${isoTime(`${referenceSeconds} - (${age})`)}) AS account_created_at,
  IF(rounded, '${platform}_web_scraper', '${platform}_api') AS source,
  ${isoTime(`${referenceSeconds} - floor(${uniform('processed')} * 3600)`)} AS processed_at
FROM (
  SELECT n, kol_id, username, language, rounded,
    CASE WHEN ${chance('no-followers', 0.003)} THEN NULL
      WHEN NOT rounded OR exact < 10000 THEN exact
      WHEN exact < 1000000 THEN exact / 100 * 100
      ELSE exact / 100000 * 100000 END AS followers_count
  FROM (
    SELECT n, kol_id, username, ${pick('language', languages)} AS language,
      -- The web page shows "11.3K" and "1.2M", so KOLs scraped from it have equal counts in rankings.
      ${chance('rounded', 0.5)} AS rounded,
      IF(${chance('newcomer', 0.03)}, CAST(floor(${uniform('few')} * 4) AS BIGINT),
        CAST(least(floor(${pareto}), 214700000e0) AS BIGINT)) AS exact
    FROM (${profileIdentities(platform, context)})
  )
)`;
}
