import { stagingKey } from '../../cache/writing/staging-key.ts';
import { ROW_TIME_FIELD } from '../../cache/writing/write-content.ts';
import { content } from '../../domain/entities/content.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { engagement } from '../../domain/entities/engagement.ts';
import { cacheMetadata } from '../../domain/entities/part-metadata.ts';
import { kolContent, KOL_CONTENT_LIMIT } from '../../domain/entities/kol-content.ts';
import { platformStats } from '../../domain/entities/platform-stats.ts';
import { profileList } from '../../domain/entities/profile-list.ts';
import { profile } from '../../domain/entities/profile.ts';
import { ranking } from '../../domain/entities/ranking.ts';
import { hourlyReads, recentReads, START_MEMBER } from '../../domain/entities/read-counts.ts';
import { score } from '../../domain/entities/score.ts';
import { switches } from '../../domain/entities/switches.ts';
import { trending, TRENDING_LIMIT } from '../../domain/entities/trending.ts';
import type { CacheEntry } from '../../domain/schema/entry.ts';
import {
  contentFields,
  dailyStatsFields,
  engagementFields,
  eventFields,
  platformStatsFields,
  profileFields,
  scoreFields,
  switchFields,
} from './cache-fields.ts';
import { keyDoc, MISS, WARM, type CacheKeyDoc } from './cache-key-doc.ts';
import { anySet, coordinationKeys } from './coordination-keys.ts';
import { code, codeBlock, duration, fieldTable, table } from './markdown.ts';
import { SAMPLE_TIME, sampleContent, sampleProfile, sampleScore } from './samples.ts';
import { metadataKeys } from './metadata-keys.ts';
import { searchKeys } from './search-keys.ts';

const RANKING_LIMIT = 100;

/** The keys that clients read. */
export const publicKeys: readonly CacheKeyDoc[] = [
  {
    ...keyDoc(profile.name, profile.key('{kol_id}'), profile.toEntry('zoe', sampleProfile, SAMPLE_TIME)),
    content: 'one KOL',
    writers: `${WARM('profiles')}; ${MISS}`,
    fields: profileFields,
  },
  {
    ...keyDoc(profileList.name, profileList.key('{platform}'), profileList.toEntry('all', [sampleProfile])),
    content: 'JSON array of profiles, most followers first; `WARM_LIST_SIZE` profiles at most',
    writers: `${WARM('lists')}; ${MISS}`,
  },
  {
    ...keyDoc(
      ranking.name,
      withLimit(ranking.key('followers', '{platform}', RANKING_LIMIT), RANKING_LIMIT),
      ranking.toEntry('followers', 'all', RANKING_LIMIT, [
        { kol_id: 'ana', score: 48_200_000 },
        { kol_id: 'zoe', score: 11_300 },
      ]),
    ),
    content: '`kol_id` with its `followers_count` as score; one key for each limit of `WARM_RANKING_LIMITS`',
    writers: `${WARM('rankings')}; ${MISS}`,
  },
  {
    ...keyDoc(
      ranking.name,
      withLimit(ranking.key('engagement', '{platform}', RANKING_LIMIT), RANKING_LIMIT),
      ranking.toEntry('engagement', 'tiktok', RANKING_LIMIT, [{ kol_id: 'zoe', score: 10.92 }]),
    ),
    content:
      '`kol_id` with the mean `engagement_rate` of its content in percent as score; with the same limits',
    writers: `${WARM('rankings')}; ${MISS}`,
  },
  {
    ...keyDoc(
      trending.name,
      withLimit(trending.key('{platform}'), TRENDING_LIMIT),
      trending.toEntry('tiktok', ['7301234567890123456', '7301234567890123001']),
    ),
    content: `content ids of the last 24 h (if there are none: of the newest day that has any), by views + 10 × likes, highest first; the limit is ${TRENDING_LIMIT}`,
    writers: `${WARM('trending')}; ${MISS}; video events move items`,
  },
  {
    ...keyDoc(
      content.name,
      content.key('{content_id}'),
      content.toEntry(sampleContent.content_id, sampleContent, SAMPLE_TIME),
    ),
    content: 'one video or post',
    writers: `${WARM('trending')} (items of the lists, ids of ETL loads); ${MISS}; video events`,
    fields: contentFields,
    optionalFields: [...eventFields, ROW_TIME_FIELD],
  },
  {
    ...keyDoc(kolContent.name, kolContent.key('{kol_id}'), kolContent.toEntry('zoe', [sampleContent])),
    content: `JSON array of the content of one KOL, newest first; ${KOL_CONTENT_LIMIT} items at most`,
    writers: MISS,
  },
  {
    ...keyDoc(
      platformStats.name,
      platformStats.key,
      platformStats.toEntry({
        total_kols: 37_486,
        total_content: 20_028,
        platforms_count: 1,
        total_followers: 4_501_500_000,
        avg_followers: 120_084.83,
        total_posts: 3_600_000,
        avg_posts: 96.03,
        verified_count: 428,
        last_updated: SAMPLE_TIME,
        by_platform: { tiktok: { kols: 48, content: 490 } },
      }),
    ),
    content: 'numbers of the whole platform',
    writers: `${WARM('stats')}; ${MISS}`,
    fields: platformStatsFields,
  },
  {
    ...keyDoc(
      dailyStats.name,
      dailyStats.key('{yyyy-mm-dd}'),
      dailyStats.toEntry('2026-11-22', {
        content: 35,
        views: 501_550,
        likes: 50_155,
        comments: 4200,
        shares: 420,
        content_tiktok: 35,
        last_updated: SAMPLE_TIME,
      }),
    ),
    content: 'counts over the content posted on that day (UTC); today and the 7 days before',
    writers: `${WARM('stats')}; ${MISS} (any day)`,
    fields: dailyStatsFields,
  },
  ...searchKeys,
  {
    ...keyDoc(score.name, score.key('{kol_id}'), score.toEntry(sampleScore)),
    content: 'trust score as JSON',
    writers: 'profile events; the API on the cold path',
    fields: scoreFields,
  },
];

/** Keys for the system's own use. */
export const internalKeys: readonly CacheKeyDoc[] = [
  ...metadataKeys,
  {
    ...keyDoc(recentReads.name, recentReads.key, {
      ...recentReads,
      type: 'zset',
      members: [
        ['zoe', 42.5],
        [START_MEMBER, -1_795_341_600],
      ],
    }),
    content: `\`kol_id\` with the weight of its reads; the member with an empty name holds the start of the count ([hot-profiles.md](hot-profiles.md)). ${recentReads.maxMembers.toLocaleString('en-US')} members at most`,
    writers: 'the API',
  },
  {
    ...keyDoc(hourlyReads.name, hourlyReads.key('{hh}'), {
      ...hourlyReads,
      key: hourlyReads.key(18),
      type: 'zset',
      members: [
        ['zoe', 7.25],
        [START_MEMBER, -1_795_341_600],
      ],
    }),
    content: `the same for the reads at one hour of the day (UTC), \`00\` to \`23\`, of the last days. ${hourlyReads.maxMembers.toLocaleString('en-US')} members at most`,
    writers: 'the API',
  },
  {
    ...keyDoc(
      engagement.name,
      engagement.key('{kol_id}'),
      engagement.toEntry({ kol_id: 'zoe', content_id: '7301234567890123456', engagement_rate: 10.92 }),
    ),
    content: 'engagement of the latest scraped video of the KOL',
    writers: 'video events',
    fields: engagementFields,
    optionalFields: eventFields,
  },
  {
    ...keyDoc(
      trending.name,
      withLimit(trending.heatKey('{platform}'), TRENDING_LIMIT),
      trending.toHeatEntry('tiktok', [{ content_id: '7301234567890123456', heat: 28_660 }]),
    ),
    content: 'heat (views + 10 × likes) of the items of the list, so that events can move them',
    writers: `${WARM('trending')}; video events`,
  },
  {
    ...keyDoc(ranking.name, stagingKey('{key}', '{writer}'), anySet),
    content:
      'a set of more than 1,000 members while it is built, before RENAME puts it in place. A key without braces becomes the hash tag: `{search:autocomplete}:next:…`',
    typeAndTtl: ['of the set', 'of the set'],
    writers: 'warms; the API after a miss',
  },
  {
    ...keyDoc(switches.name, switches.key, {
      key: switches.key,
      ttlSeconds: 0,
      type: 'hash',
      fields: switches.toFields({ l1: true, l1TtlSeconds: 10, earlyRefresh: true, readThrough: false }),
    }),
    content: 'what operators have switched at run time; a field that is absent has its default',
    typeAndTtl: ['HASH', 'none: a switch stays as it was set'],
    writers: 'the API, by request of an operator',
    fields: switchFields,
  },
  ...coordinationKeys,
];

/** The cache keys of docs/contract.md. */
export function cacheSections(): Readonly<Record<string, string>> {
  return {
    'cache-keys': keyTable(publicKeys),
    'cache-fields': publicKeys.map(describeKey).join('\n\n'),
    'internal-keys': keyTable(internalKeys),
    'internal-fields': internalKeys
      .filter(({ fields }) => fields !== undefined)
      .map(describeKey)
      .join('\n\n'),
  };
}

function withLimit(key: string, limit: number): string {
  return key.replace(`:${limit}`, ':{limit}');
}

const keyTable = (keys: readonly CacheKeyDoc[]): string =>
  table(
    ['key', 'Redis type', 'TTL', 'content', 'written by'],
    keys.map(({ pattern, sample, content: text, writers, typeAndTtl }) => [
      code(pattern),
      ...(typeAndTtl ?? [sample.type.toUpperCase(), duration(sample.ttlSeconds)]),
      text,
      writers,
    ]),
  );

/** Fields of a key, and one example. */
function describeKey({ pattern, sample, fields, optionalFields = [] }: CacheKeyDoc): string {
  const parts = [`#### ${code(pattern)}`];
  if (fields !== undefined)
    parts.push(fieldTable(pattern, [...fieldNames(sample), ...optionalFields], fields));
  parts.push(`Example ${code(sample.key)}:`, example(sample));
  return parts.join('\n\n');
}

/** Names of the fields of a hash; of a JSON value, or of the JSON values of a hash, the members. */
function fieldNames(entry: CacheEntry): string[] {
  if (entry.type === 'hash' && entry.key === cacheMetadata.key)
    return Object.values(entry.fields).flatMap((json) => Object.keys(JSON.parse(json) as object));
  if (entry.type === 'hash') return Object.keys(entry.fields).map(withPlatform);
  if (entry.type === 'string') return Object.keys(JSON.parse(entry.value) as object);
  return [];
}

/** kols_tiktok is one of the fields kols_{platform}. */
const withPlatform = (name: string): string => name.replace(/_tiktok$/, '_{platform}');

function example(entry: CacheEntry): string {
  switch (entry.type) {
    case 'hash':
      return codeBlock('json', JSON.stringify(entry.fields, null, 2));
    case 'string':
      return codeBlock('json', JSON.stringify(JSON.parse(entry.value), null, 2));
    case 'list':
      return codeBlock('json', JSON.stringify(entry.items, null, 2));
    case 'zset':
      return codeBlock('text', entry.members.map(([member, value]) => `${value}  ${member}`).join('\n'));
  }
}
