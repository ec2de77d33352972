import { z } from 'zod';
import { content } from '../../domain/entities/content.ts';
import { dailyCounts } from '../../domain/entities/daily-stats.ts';
import { profile } from '../../domain/entities/profile.ts';
import { rankingKinds } from '../../domain/entities/ranking.ts';
import { riskLevels } from '../../domain/entities/score.ts';
import { SOURCE_VERSION } from '../source-version.ts';
import { count, tableSchema, utcTime } from './table-schema.ts';

export const profileSchema = tableSchema(profile, 'Profile');
export const contentSchema = tableSchema(content, 'Content');

export const scoreSchema = z
  .strictObject({
    kol_id: z.string(),
    platform: z.string().nullable(),
    trust_score: z.number().min(0).max(100),
    trust_label: z.enum(riskLevels),
    risk_level: z.enum(riskLevels),
    is_trustworthy: z.boolean(),
    confidence: z.number().min(0).max(1),
    model_version: z.string(),
    timestamp: z.string(),
    event_time_ms: z.number().nullable(),
    source: z
      .strictObject({
        topic: z.string(),
        partition: count,
        offset: count,
        fenced_at_ms: z.number().nullish(),
      })
      .nullable(),
    features_from: z.enum(['event', 'event+lakehouse', 'lakehouse']),
    cold: z.boolean().meta({ description: 'the model computed it for this request' }),
  })
  // A score of an earlier writer may lack the others.
  .partial()
  .required({ kol_id: true, trust_score: true, cold: true })
  .meta({ id: 'Score' });

/** Several items by id: the existing ones in the requested order, and the state of the other ids. */
export const manySchema = (item: z.ZodType) =>
  z.strictObject({
    items: z.array(item),
    missing: z.array(z.string()).meta({ description: 'ids that do not exist' }),
    unavailable: z
      .array(z.strictObject({ id: z.string(), type: z.string() }))
      .meta({ description: 'ids that could not be read now, with the type of the problem' }),
  });

/** Headers of an answer whose value a warm can write. */
export const versionedHeaders = z.object({
  [SOURCE_VERSION]: z.string().optional().meta({
    description:
      'the versions of the tables that the value is made of, where they are known, as a dictionary (RFC 9651): kol_profiles="snapshot 4372618947213 since 2026-11-22T09:55:00.000Z"',
  }),
});

const rank = z.int().min(1);

export const rankingSchema = z.strictObject({
  by: z.enum(rankingKinds),
  platform: z.string(),
  limit: count,
  items: z.array(
    z
      .strictObject({
        ...{ rank, kol_id: z.string(), score: z.number() },
        profile: profileSchema.partial().nullable(),
      })
      .partial(),
  ),
});

export const trendingSchema = z.strictObject({
  platform: z.string(),
  limit: count,
  items: z.array(
    z.strictObject({ rank, content_id: z.string(), content: contentSchema.partial().nullable() }).partial(),
  ),
});

/** A page of the profiles of a platform. */
export const profileListSchema = z.strictObject({
  platform: z.string(),
  sort: z.literal('followers'),
  limit: count,
  items: z.array(profileSchema.partial()),
  next: z.string().nullable().meta({ description: 'the cursor of the next page; null on the last one' }),
  end: z.enum(['all', 'kept']).nullable().meta({
    description:
      'on the last page: `all` when the list has all KOLs of the platform, `kept` when it has only those with the most followers',
  }),
});

const hitSchema = z.strictObject({
  kol_id: z.string(),
  platform: z.string(),
  name: z.string().meta({ description: 'the name that matches, as the KOL writes it' }),
  followers_count: count.nullable(),
});
/** The field names of a search hit. */
export const hitFields = Object.keys(hitSchema.shape);

export const searchSchema = z.strictObject({
  q: z.string(),
  platform: z.string(),
  limit: count,
  items: z.array(hitSchema.extend({ profile: profileSchema.partial().nullable() }).partial()),
});

export const suggestSchema = z.strictObject({
  prefix: z.string(),
  platform: z.string(),
  limit: count,
  items: z.array(hitSchema.partial()),
});

export const recentSearchesSchema = z.strictObject({ user_id: z.string(), items: z.array(z.string()) });

export const kolContentSchema = z.strictObject({
  kol_id: z.string(),
  limit: count,
  items: z.array(contentSchema.partial()),
});

export const dailyStatsSchema = z.strictObject({
  date: z.iso.date(),
  ...Object.fromEntries(dailyCounts.map((name) => [name, z.number().min(0)])),
  by_platform: z.record(z.string(), count),
  last_updated: utcTime,
});

export const statsSchema = z.strictObject({
  total_kols: count,
  total_content: count,
  platforms_count: count,
  // Sums of counts can exceed 2^53.
  total_followers: z.number().min(0),
  avg_followers: z.number().min(0),
  total_posts: z.number().min(0),
  avg_posts: z.number().min(0),
  verified_count: count,
  last_updated: utcTime,
  by_platform: z.record(z.string(), z.strictObject({ kols: count, content: count })),
});
