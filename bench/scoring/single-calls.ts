import { Pool } from 'undici';
import type { ModelFeatures } from '../../domain/scoring/trust-model.ts';

const FEATURES: Omit<ModelFeatures, 'kol_id'> = {
  followers_count: 11_300,
  following_count: 120,
  post_count: 1234,
  favorites_count: 1_300_000,
  account_age_days: 365,
  verified: false,
  has_bio: true,
  has_url: false,
  has_profile_image: false,
  bio_length: 12,
};

/** Scores a number of profiles with one call each, a fixed number of them at the same time. */
export async function singleCalls(mlUrl: string, concurrency: number, calls: number): Promise<void> {
  const pool = new Pool(mlUrl, { connections: concurrency, pipelining: 1 });
  let left = calls;
  const caller = async () => {
    for (; left > 0;) {
      left -= 1;
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/predict/trust',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...FEATURES, kol_id: `bare-${left}` }),
      });
      if (statusCode !== 200) throw new Error(`the model answered ${statusCode}: ${await body.text()}`);
      await body.json();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  await pool.close();
}
