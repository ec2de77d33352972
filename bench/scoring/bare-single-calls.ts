import { createMlApi } from '../../clients/ml-api.ts';
import { buildFeatures } from '../../domain/scoring/model-features.ts';
import type { ProfileEvent } from '../../domain/scoring/parse-profile-event.ts';

/** Scores this many profiles with one call each, in a process that does nothing else. @returns the duration in ms */
export async function bareSingleCalls({
  mlUrl,
  calls,
  concurrency,
}: {
  mlUrl: string;
  calls: number;
  concurrency: number;
}): Promise<number> {
  const mlApi = createMlApi({ url: mlUrl, timeoutSeconds: 5, concurrency });
  const profiles = Array.from({ length: calls }, (_, index) =>
    buildFeatures({ ...EMPTY_PROFILE, kol_id: `bare-${index}` }, null),
  );
  // The first calls connect, and find that there is no batch endpoint.
  await mlApi.score(profiles.slice(0, concurrency * 2));
  const started = performance.now();
  await mlApi.score(profiles);
  const ms = performance.now() - started;
  await mlApi.close();
  return ms;
}

const EMPTY_PROFILE: ProfileEvent = {
  event_id: null,
  event_time_ms: 0,
  platform: 'tiktok',
  kol_id: '',
  nickname: null,
  followers_count: null,
  following_count: null,
  post_count: null,
  favorites_count: null,
  verified: null,
  bio: null,
  avatar_url: null,
  profile_url: null,
  negative_counts: [],
};
