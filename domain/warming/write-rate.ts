/**
 * The share of their TTL in which a warm writes all profiles: 24 minutes. The rest is left for the reads, and until the next warm. A scheduled
 * warm that waits for longer than half an hour is reported as overdue.
 */
const MAX_SHARE_OF_TTL = 0.4;

/**
 * Profiles that a warm writes per second. Too low a rate is raised: otherwise the first profiles would expire before the last ones are
 * written, and each warm would find some missing and read all of them again.
 * @param configured 0 for no limit
 */
export function writeRate(configured: number, profiles: number, ttlSeconds: number): number {
  return configured === 0 ? 0 : Math.max(configured, Math.ceil(profiles / (ttlSeconds * MAX_SHARE_OF_TTL)));
}

/** The time in which a warm renews all profiles (s). One activity does it, which has 15 minutes for all its work. */
const MAX_RENEWAL_SECONDS = 300;

/**
 * Profiles that a warm renews per second. A renewal costs Redis a tenth of a write, so a low rate is raised without a warning.
 * @param writesPerSecond as `writeRate` returns it
 */
export const renewalRate = (writesPerSecond: number, profiles: number): number =>
  writesPerSecond === 0 ? 0 : Math.max(writesPerSecond, Math.ceil(profiles / MAX_RENEWAL_SECONDS));
