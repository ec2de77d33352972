import { ROW_TIME_FIELD } from '../../cache/writing/write-content.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import type { Engagement } from '../../domain/entities/engagement.ts';
import type { CachedFiles } from '../../domain/warming/changed-files.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import type { Score } from '../../domain/entities/score.ts';
import type { PlatformStats } from '../../domain/entities/platform-stats.ts';
import * as kinds from '../../domain/schema/field.ts';
import type { Field, Fields, Scalar } from '../../domain/schema/field.ts';
import type { NameDoc } from './markdown.ts';

/*
 * What docs/contract.md says of the fields of cached values. The types force every field of a value to have a description.
 */

/** How each kind of field is written, by its name in domain/schema/field.ts. */
const kindDocs = {
  id: 'text, never empty',
  reference: 'text',
  text: 'text',
  platform: 'platform name in lower case',
  count: 'whole number ≥ 0',
  decimal: 'decimal number',
  flag: '`true` or `false`',
  time: 'ISO 8601 text, as the lakehouse has it; RFC 3339 in UTC for TIMESTAMP columns',
} as const satisfies Partial<Record<keyof typeof kinds, string>>;

/** Description of a cached field by its kind. @throws Error for a kind that has none */
function kindOf(field: Field<Scalar>): string {
  const found = Object.entries(kindDocs).find(([name]) => kinds[name as keyof typeof kindDocs] === field);
  if (found === undefined)
    throw new Error('a kind of field has no description in docs/generate/cache-fields.ts');
  return found[1];
}

/** Fields of an entity that is one row of a Silver table: type from the code, meaning from here. */
function describeFields<F extends Fields>(
  fields: F,
  meanings: Readonly<Record<keyof F, string>>,
): Record<string, NameDoc> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      { type: kindOf(field), meaning: meanings[name] ?? '' },
    ]),
  );
}

const cachedAt: NameDoc = {
  type: 'ISO 8601 text',
  meaning: 'when it was written to Redis; not shown by the API',
};
const eventPosition: Readonly<Record<string, NameDoc>> = {
  event_time_ms: {
    type: 'whole number',
    meaning: 'if a video event wrote the hash: time of the event, ms since 1970',
  },
  source_topic: { type: 'text', meaning: 'if a video event wrote the hash: topic of the event' },
  source_partition: { type: 'whole number', meaning: 'if a video event wrote the hash: its partition' },
  source_offset: { type: 'whole number', meaning: 'if a video event wrote the hash: offset of the event' },
  source_fenced_at_ms: {
    type: 'whole number',
    meaning: 'when the attempt that wrote the hash fenced the partition, ms since 1970',
  },
};
export const eventFields = Object.keys(eventPosition);

const profileMeanings: Readonly<Record<keyof Profile, string>> = {
  kol_id: 'the KOL',
  platform: 'such as `tiktok`',
  username: 'handle',
  display_name: 'name that is shown',
  bio: 'biography; the Silver column is `description`',
  followers_count: 'followers',
  following_count: 'accounts that it follows',
  post_count: 'posts',
  verified: 'verified by the platform',
  category: 'topic of the KOL',
  profile_url: 'address of the profile',
  account_created_at: 'when the account was created',
  source: 'where the row came from',
  processed_at: 'when the pipeline processed the row',
};

export const profileFields = { ...describeFields(profile.fields, profileMeanings), cached_at: cachedAt };

const contentMeanings: Readonly<Record<keyof Content, string>> = {
  content_id: 'the item',
  kol_id: 'its KOL',
  platform: 'such as `tiktok`',
  content_type: 'such as `video`',
  title: 'title; the caption, if only an event is known',
  description: 'description; the caption, if only an event is known',
  views: 'views',
  likes: 'likes',
  comments: 'comments',
  shares: 'shares',
  engagement_rate: '(likes + comments + shares) ÷ views, in percent',
  duration_seconds: 'length of a video',
  posted_at: 'when it was posted',
  hashtags: 'hashtags, separated by commas',
  source: 'where the row came from; `stream` if only an event is known',
  processed_at: 'when the pipeline processed the row; the event time, if an event wrote it',
};

export const contentFields = {
  ...describeFields(content.fields, contentMeanings),
  cached_at: cachedAt,
  ...eventPosition,
  [ROW_TIME_FIELD]: {
    type: 'whole number',
    meaning: 'if a video event wrote the hash: time of its row, ms since 1970',
  },
};

const COUNT = 'whole number ≥ 0';

type StatsField = Exclude<keyof PlatformStats, 'by_platform'> | `${'kols' | 'content'}_{platform}`;
export const platformStatsFields: Readonly<Record<StatsField, NameDoc>> = {
  total_kols: { type: COUNT, meaning: 'rows of `kol_profiles`' },
  total_content: { type: COUNT, meaning: 'rows of `kol_content`' },
  platforms_count: { type: COUNT, meaning: 'platforms with a KOL or content' },
  total_followers: { type: COUNT, meaning: 'sum of the followers' },
  avg_followers: { type: 'decimal number', meaning: 'mean of the followers, two decimals' },
  total_posts: { type: COUNT, meaning: 'sum of the posts' },
  avg_posts: { type: 'decimal number', meaning: 'mean of the posts, two decimals' },
  verified_count: { type: COUNT, meaning: 'verified KOLs' },
  last_updated: { type: 'ISO 8601 text', meaning: 'when the lakehouse was read' },
  'kols_{platform}': { type: COUNT, meaning: 'KOLs of the platform; one field for each platform' },
  'content_{platform}': { type: COUNT, meaning: 'content of the platform; one field for each platform' },
};

export const dailyStatsFields: Readonly<Record<string, NameDoc>> = {
  date: { type: 'yyyy-mm-dd', meaning: 'the day (UTC)' },
  content: { type: COUNT, meaning: 'items posted on that day' },
  views: { type: COUNT, meaning: 'sum of their views' },
  likes: { type: COUNT, meaning: 'sum of their likes' },
  comments: { type: COUNT, meaning: 'sum of their comments' },
  shares: { type: COUNT, meaning: 'sum of their shares' },
  'content_{platform}': { type: COUNT, meaning: 'items of the platform; one field for each platform' },
  last_updated: { type: 'ISO 8601 text', meaning: 'when the lakehouse was read' },
};

export const scoreFields: Readonly<Record<keyof Score, NameDoc>> = {
  kol_id: { type: 'string', meaning: 'the KOL' },
  platform: { type: 'string or null', meaning: 'platform of the event, or of the row of the lakehouse' },
  trust_score: { type: 'number 0–100', meaning: 'the score' },
  trust_label: { type: 'string', meaning: 'the risk level, under its name in `scores.stream`' },
  risk_level: {
    type: 'string',
    meaning: '`low` (score ≥ 80), `moderate` (≥ 60), `elevated` (≥ 40) or `high`',
  },
  is_trustworthy: { type: 'boolean', meaning: 'score ≥ 50' },
  confidence: { type: 'number 0–1', meaning: 'how sure the model is' },
  model_version: { type: 'string', meaning: 'version of the model' },
  timestamp: { type: 'string', meaning: 'when the model scored it, ISO 8601' },
  event_time_ms: {
    type: 'number or null',
    meaning: 'event time, ms since 1970; null if it was made without an event (cold path)',
  },
  source: {
    type: 'object or null',
    meaning:
      '`topic`, `partition` and `offset` of the event, and `fenced_at_ms`, when the attempt that scored it fenced the partition; null if it was made without an event',
  },
  features_from: {
    type: 'string',
    meaning: '`event`, `event+lakehouse`, or `lakehouse` (cold path): where the features came from',
  },
};

export const engagementFields: Readonly<Record<string, NameDoc>> = {
  ...({
    kol_id: { type: 'text', meaning: 'the KOL' },
    content_id: { type: 'text', meaning: 'its latest video' },
    engagement_rate: {
      type: 'decimal number',
      meaning: 'percent of views; empty without views or other counts',
    },
  } satisfies Record<keyof Engagement, NameDoc>),
  ...eventPosition,
};

export const cachedFilesFields: Readonly<Record<keyof CachedFiles, NameDoc>> = {
  version: { type: 'string', meaning: 'version of the table, as in `cache:metadata`' },
  columns: {
    type: 'string',
    meaning: 'fingerprint of the columns and the schema that the rows were read with',
  },
  idsRepeat: { type: 'boolean', meaning: 'whether some ids have several rows' },
  files: {
    type: 'array',
    meaning: 'path, size and time of modification of each file; Iceberg files have no time: 0',
  },
};

export const partMetadataFields: Readonly<Record<keyof PartMetadata, NameDoc>> = {
  warmed_at: { type: 'string', meaning: 'when the part was last warmed, ISO 8601' },
  run_id: { type: 'string', meaning: 'workflow run that requested it' },
  trigger: { type: 'string', meaning: '`schedule`, `startup`, `etl` or `manual`' },
  keys: { type: 'number', meaning: 'keys that the part holds' },
  read_at: {
    type: 'string',
    meaning: 'when the lakehouse was last read for it; `cached_at` of the profiles of that warm',
  },
  oldest_read_at: {
    type: 'string',
    meaning: '`profiles` after a warm of only some files: `cached_at` of its oldest rows',
  },
  rows: { type: 'number', meaning: 'rows that were read' },
  tableRows: { type: 'object', meaning: 'rows of each table, to detect a table that shrank' },
  versions: {
    type: 'object',
    meaning:
      'version of each table: its Iceberg snapshot, or a fingerprint of its files and columns in Hive; null if it is unknown',
  },
  hasUnreadable: {
    type: 'boolean',
    meaning: 'a column was cached as unknown, because Trino could not read it',
  },
  shape: { type: 'string', meaning: 'settings that decide the content, such as limits' },
  sets: {
    type: 'object',
    meaning: 'size, TTL and time of the read (`readAt`, as in its fence) of each set, by its key',
  },
};

export const knownIdsFields: Readonly<Record<string, NameDoc>> = {
  version: {
    type: 'string',
    meaning:
      'format of the filter, and the version of the table: its Iceberg snapshot, or a fingerprint of its files and columns in Hive',
  },
  filter: { type: 'base64', meaning: 'the bits of the filter' },
  rows: { type: 'integer', meaning: 'rows of the table at this version' },
  warmed_at: { type: 'string', meaning: 'when a warm last wrote the filter, ISO 8601' },
};

export const switchFields: Readonly<Record<string, NameDoc>> = {
  l1: { type: '`on` or `off`', meaning: 'values are kept in the memory of each process of the API' },
  l1_ttl_seconds: {
    type: 'integer',
    meaning: 'how long a value is kept there at most; 0 or absent: `API_L1_TTL_SECONDS`',
  },
  early_refresh: {
    type: '`on` or `off`',
    meaning: 'values that are read often are refreshed before they expire',
  },
  read_through: { type: '`on` or `off`', meaning: 'the lakehouse is read for what is not cached' },
};
