/** A KOL whose profile scrapers visit. */
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

export type NonEmpty<T> = readonly [T, ...T[]];

/** The subjects of events, most popular first. */
export interface Subjects {
  readonly profiles: NonEmpty<ProfileSubject>;
  readonly videos: NonEmpty<VideoSubject>;
}

/** Number of KOLs, and of videos, that are scraped repeatedly. */
export const SUBJECTS_PER_KIND = 2_000;
