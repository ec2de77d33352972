import { setTimeout as sleep } from 'node:timers/promises';
import { identifier } from '../../clients/lakehouse/sql.ts';
import { statementRunner } from '../lakehouse/run-statement.ts';
import { pick, type Random } from './random.ts';

/** A KOL that scrapers visit. */
export interface ProfileSubject {
  /** The KOL's id, which events call username. */
  readonly kolId: string;
  readonly platform: string;
  readonly displayName: string | null;
  readonly bio: string | null;
  readonly followers: number;
  readonly following: number;
  readonly posts: number;
  readonly verified: boolean;
}

/** A video that scrapers visit. */
export interface VideoSubject {
  readonly videoId: string;
  readonly platform: string;
  readonly kolId: string;
  readonly title: string | null;
  readonly views: number;
  readonly likes: number;
  readonly comments: number;
  readonly shares: number;
}

type AtLeastOne<T> = readonly [T, ...T[]];

/** Whom events are about, most popular first. */
export interface Subjects {
  readonly profiles: AtLeastOne<ProfileSubject>;
  readonly videos: AtLeastOne<VideoSubject>;
}

/** How many KOLs and how many videos are scraped over and over. */
const SAMPLE = 2_000;
const RETRY_MS = 5_000;

export interface LakehousePlace {
  readonly trinoUrl: string;
  readonly catalog: string;
  readonly schema: string;
  readonly user: string;
}

/**
 * Samples KOLs and videos from the lakehouse: every TikTok profile, and others at random.
 * Waits as long as the lakehouse is out of reach or has no rows yet.
 * @param waiting gets the reason, every 5 s
 * @throws the signal's reason when aborted
 */
export async function subjectsFromLakehouse(
  place: LakehousePlace,
  waiting: (reason: string) => void,
  signal: AbortSignal,
): Promise<Subjects> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const [profiles, videos] = [await readProfiles(place), await readVideos(place)];
      if (isNotEmpty(profiles) && isNotEmpty(videos)) return { profiles, videos };
      waiting('The lakehouse has no profiles or no content');
    } catch (error) {
      waiting(error instanceof Error ? error.message : String(error));
    }
    await sleep(RETRY_MS, undefined, { signal });
  }
}

const isNotEmpty = <T>(items: readonly T[]): items is AtLeastOne<T> => items.length > 0;
const text = (cell: unknown): string => (typeof cell === 'string' ? cell : '');
const textOrNull = (cell: unknown): string | null => (typeof cell === 'string' ? cell : null);
const count = (cell: unknown): number => (typeof cell === 'number' ? cell : 0);

async function readProfiles({ trinoUrl, catalog, schema, user }: LakehousePlace): Promise<ProfileSubject[]> {
  const rows = await statementRunner(
    trinoUrl,
    user,
  )(`
    SELECT kol_id, platform, display_name, description, followers_count, following_count, post_count, verified
    FROM ${identifier(catalog)}.${identifier(schema)}."kol_profiles"
    ORDER BY platform = 'tiktok' DESC, xxhash64(to_utf8(kol_id)) LIMIT ${SAMPLE}`);
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

async function readVideos({ trinoUrl, catalog, schema, user }: LakehousePlace): Promise<VideoSubject[]> {
  const rows = await statementRunner(
    trinoUrl,
    user,
  )(`
    SELECT content_id, platform, kol_id, title, views, likes, comments, shares
    FROM ${identifier(catalog)}.${identifier(schema)}."kol_content"
    ORDER BY platform = 'tiktok' DESC, posted_at DESC, content_id LIMIT ${SAMPLE}`);
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

/** Made-up KOLs and videos, for a producer without a lakehouse. */
export function madeUpSubjects(random: Random): Subjects {
  const profiles = Array.from({ length: SAMPLE }, (_, rank) => madeUpProfile(random, rank));
  const videos = Array.from({ length: SAMPLE }, (_, rank) => madeUpVideo(random, rank));
  return { profiles: profiles as [ProfileSubject], videos: videos as [VideoSubject] };
}

const madeUpProfile = (random: Random, rank: number): ProfileSubject => ({
  kolId: `kol_${rank}`,
  platform: pick(random, ['tiktok', 'twitter']),
  displayName: `KOL ${rank} ✨`,
  bio: pick(random, [null, '', 'Food & travel 🍜\nDM for collabs']),
  followers: Math.floor(200_000_000 / (rank + 1)),
  following: Math.floor(random() * 2_000),
  posts: Math.floor(random() * 5_000),
  verified: rank < SAMPLE / 20,
});

const madeUpVideo = (random: Random, rank: number): VideoSubject => {
  const views = Math.floor(80_000_000 / (rank + 1));
  return {
    videoId: `video_${rank}`,
    platform: pick(random, ['tiktok', 'youtube']),
    kolId: `kol_${Math.floor(random() * SAMPLE)}`,
    title: `Video ${rank}`,
    views,
    likes: Math.floor(views * 0.05),
    comments: Math.floor(views * 0.002),
    shares: Math.floor(views * 0.001),
  };
};
