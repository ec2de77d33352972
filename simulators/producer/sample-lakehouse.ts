import { setTimeout as sleep } from 'node:timers/promises';
import { identifier } from '../../clients/lakehouse/sql.ts';
import { messageOf } from '../../domain/values/message-of.ts';
import { statementRunner } from '../lakehouse/run-statement.ts';
import {
  SUBJECTS_PER_KIND,
  type NonEmpty,
  type ProfileSubject,
  type Subjects,
  type VideoSubject,
} from './subjects.ts';

const RETRY_MS = 5_000;

interface LakehouseLocation {
  readonly trinoUrl: string;
  readonly catalog: string;
  readonly schema: string;
  readonly user: string;
}

/**
 * Samples KOLs and videos from the lakehouse: every TikTok KOL, and a pseudo-random part of the others.
 * Retries every 5 s while the lakehouse is unreachable or empty.
 * @param onRetry receives the reason of each retry
 * @throws the signal's reason when it is aborted
 */
export async function sampleLakehouse(
  location: LakehouseLocation,
  onRetry: (reason: string) => void,
  signal: AbortSignal,
): Promise<Subjects> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const profiles = await readProfiles(location);
      const videos = await readVideos(location);
      if (isNotEmpty(profiles) && isNotEmpty(videos)) return { profiles, videos };
      onRetry('The lakehouse has no profiles or no content');
    } catch (error) {
      onRetry(messageOf(error));
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

const isNotEmpty = <T>(items: readonly T[]): items is NonEmpty<T> => items.length > 0;
const text = (cell: unknown): string => (typeof cell === 'string' ? cell : '');
const textOrNull = (cell: unknown): string | null => (typeof cell === 'string' ? cell : null);
const count = (cell: unknown): number => (typeof cell === 'number' ? cell : 0);

async function readProfiles({
  trinoUrl,
  catalog,
  schema,
  user,
}: LakehouseLocation): Promise<ProfileSubject[]> {
  const rows = await statementRunner(
    trinoUrl,
    user,
  )(`
    SELECT kol_id, platform, display_name, description, followers_count, following_count, post_count, verified
    FROM ${identifier(catalog)}.${identifier(schema)}."kol_profiles"
    ORDER BY platform = 'tiktok' DESC, xxhash64(to_utf8(kol_id)) LIMIT ${SUBJECTS_PER_KIND}`);
  return rows
    .map(([id, platform, name, bio, followers, following, posts, verified]) => ({
      kolId: text(id),
      platform: text(platform),
      displayName: textOrNull(name),
      bio: textOrNull(bio),
      followers: count(followers),
      following: count(following),
      posts: count(posts),
      verified: verified === true || verified === 1,
    }))
    .sort((a, b) => b.followers - a.followers);
}

async function readVideos({ trinoUrl, catalog, schema, user }: LakehouseLocation): Promise<VideoSubject[]> {
  const rows = await statementRunner(
    trinoUrl,
    user,
  )(`
    SELECT content_id, platform, kol_id, title, views, likes, comments, shares
    FROM ${identifier(catalog)}.${identifier(schema)}."kol_content"
    ORDER BY platform = 'tiktok' DESC, posted_at DESC, content_id LIMIT ${SUBJECTS_PER_KIND}`);
  return rows
    .map(([id, platform, kolId, title, views, likes, comments, shares]) => ({
      videoId: text(id),
      platform: text(platform),
      kolId: text(kolId),
      title: textOrNull(title),
      views: count(views),
      likes: count(likes),
      comments: count(comments),
      shares: count(shares),
    }))
    .sort((a, b) => b.views - a.views);
}
