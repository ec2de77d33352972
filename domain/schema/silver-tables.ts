import {
  count,
  decimal,
  flag,
  id,
  platform,
  reference,
  text,
  time,
  type Field,
  type Scalar,
} from './field.ts';

/** A column that the system reads: its kind, and the name that older Silver tables give it. */
export interface SilverColumn {
  readonly field: Field<Scalar>;
  readonly formerName?: string;
}

const column = <Kind extends Field<Scalar>>(
  field: Kind,
  formerName?: string,
): { field: Kind; formerName?: string } => (formerName === undefined ? { field } : { field, formerName });

/**
 * The Silver tables that the system expects in the lakehouse: only the columns that it reads.
 * The schema check compares them with `information_schema` before a warm writes anything.
 */
export const silver = {
  kol_profiles: {
    kol_id: column(id),
    platform: column(platform),
    username: column(text),
    display_name: column(text),
    description: column(text, 'bio'),
    followers_count: column(count),
    following_count: column(count),
    post_count: column(count),
    verified: column(flag),
    category: column(text),
    profile_url: column(text),
    account_created_at: column(time),
    source: column(text),
    processed_at: column(time),
  },
  kol_content: {
    content_id: column(id),
    kol_id: column(reference),
    platform: column(platform),
    content_type: column(text),
    title: column(text),
    description: column(text),
    views: column(count),
    likes: column(count),
    comments: column(count),
    shares: column(count),
    engagement_rate: column(decimal),
    duration_seconds: column(count),
    posted_at: column(time),
    hashtags: column(text),
    source: column(text),
    processed_at: column(time),
  },
  kol_trust_features: {
    kol_id: column(id),
    platform: column(platform),
    has_profile_image: column(flag),
    has_bio: column(flag),
    bio_length: column(count),
    has_url: column(flag),
    verified: column(flag),
    followers_count: column(count),
    following_count: column(count),
    post_count: column(count),
    favorites_count: column(count),
    account_age_days: column(count),
    processed_at: column(time),
  },
} as const satisfies Record<string, Record<string, SilverColumn>>;

export type SilverTable = keyof typeof silver;
/** `table.column` */
export type SilverColumnName = {
  [Table in SilverTable]: `${Table}.${keyof (typeof silver)[Table] & string}`;
}[SilverTable];
export const silverTables = Object.keys(silver) as SilverTable[];
