import { pick, type Random } from './random.ts';
import { SUBJECTS_PER_KIND, type ProfileSubject, type Subjects, type VideoSubject } from './subjects.ts';

/** Synthetic KOLs and videos, for a producer without a lakehouse. */
export function syntheticSubjects(random: Random): Subjects {
  const profiles = Array.from({ length: SUBJECTS_PER_KIND }, (_, rank) => syntheticProfile(random, rank));
  const videos = Array.from({ length: SUBJECTS_PER_KIND }, (_, rank) => syntheticVideo(random, rank));
  return { profiles: profiles as [ProfileSubject], videos: videos as [VideoSubject] };
}

const syntheticProfile = (random: Random, rank: number): ProfileSubject => ({
  kolId: `kol_${rank}`,
  platform: pick(random, ['tiktok', 'twitter']),
  displayName: `KOL ${rank} ✨`,
  bio: pick(random, [null, '', 'Food & travel 🍜\nDM for collabs']),
  followers: Math.floor(200_000_000 / (rank + 1)),
  following: Math.floor(random() * 2_000),
  posts: Math.floor(random() * 5_000),
  verified: rank < SUBJECTS_PER_KIND / 20,
});

const syntheticVideo = (random: Random, rank: number): VideoSubject => {
  const views = Math.floor(80_000_000 / (rank + 1));
  return {
    videoId: `video_${rank}`,
    platform: pick(random, ['tiktok', 'youtube']),
    kolId: `kol_${Math.floor(random() * SUBJECTS_PER_KIND)}`,
    title: `Video ${rank}`,
    views,
    likes: Math.floor(views * 0.05),
    comments: Math.floor(views * 0.002),
    shares: Math.floor(views * 0.001),
  };
};
