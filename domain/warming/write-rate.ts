/** The share of their TTL in which a warm writes all profiles. The rest is left for the reads, and until the next warm. */
const MAX_SHARE_OF_TTL = 0.5;

/**
 * Profiles that a warm writes in a second. A lower rate than this is raised: the first profiles would expire before the last ones are
 * written, and each warm would find some missing and read all of them again.
 * @param configured 0 for no limit
 */
export function writeRate(configured: number, profiles: number, ttlSeconds: number): number {
  return configured === 0 ? 0 : Math.max(configured, Math.ceil(profiles / (ttlSeconds * MAX_SHARE_OF_TTL)));
}
