import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import type { WriteTotals } from '../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { inChunks } from '../../domain/values/lists.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm, WarmPartArgs } from './part-warm.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** The maximum number of profiles, cached by readers, that are looked up by id. Each thousand costs a query that reads all ids. */
export const MAX_FILLED = 5000;

/** Profiles in one query by id, and at most in one write. */
export const PROFILE_CHUNK = 1000;

/**
 * Writes kol:profile of these rows. Equal rows are renewed. Rows of an earlier attempt are not written again, so a retry at a limited rate
 * continues where it was. Values of a later read stay.
 * @param readAt `cached_at` of the rows, the same for the whole warm
 */
export function writeProfiles(
  warm: PartWarm,
  rows: readonly Profile[],
  readAt: string,
): Promise<WriteTotals> {
  warm.counts.rowsRead += rows.length;
  return warm.write(rows.map((row) => profile.toEntry(row.kol_id, row, readAt)));
}

/** Profiles in one write: at a limited rate at most those of one second. @param perSecond 0 for no limit */
export const chunkSizeOf = ({ perSecond }: Pick<RateLimiter, 'perSecond'>): number =>
  perSecond === 0 ? PROFILE_CHUNK : Math.min(PROFILE_CHUNK, Math.max(1, Math.floor(perSecond)));

/** Operations that count for the rate limit. */
export const writesOf = ({ keys, renewed }: WriteTotals): number => keys + renewed;

/** Like `writeProfiles`, chunk by chunk at the rate of the limiter. */
export async function writeProfilesAtRate(
  warm: PartWarm,
  rows: readonly Profile[],
  readAt: string,
  rate: RateLimiter,
): Promise<void> {
  for (const chunk of inChunks(rows, chunkSizeOf(rate)))
    await rate.wait(writesOf(await writeProfiles(warm, chunk, readAt)));
}

/** Renews the TTLs of cached profiles at the rate of the limiter. A dry run renews none. */
export async function renewProfilesAtRate(
  { redis, args }: PartWarm,
  ids: readonly string[],
  rate: RateLimiter,
): Promise<void> {
  if (args.dryRun) return;
  for (const chunk of inChunks(ids, chunkSizeOf(rate))) {
    await refreshTtls(
      redis,
      chunk.map((id) => ({ key: profile.key(id), ttlSeconds: profile.ttlSeconds })),
    );
    await rate.wait(chunk.length);
  }
}

interface ProfilesById {
  /** `cached_at` of the profiles. */
  readonly readAt: string;
  readonly versions?: TableVersions;
  readonly rate: RateLimiter;
}

/**
 * Reads profiles by id and writes those in the scope.
 * @returns how many of the profiles are cached now
 */
export async function writeProfilesById(
  warm: PartWarm,
  lakehouse: Lakehouse,
  ids: readonly string[],
  { readAt, versions, rate }: ProfilesById,
): Promise<number> {
  let written = 0;
  for (const chunk of inChunks(ids, PROFILE_CHUNK)) {
    const found = await lakehouse.profilesById(chunk, warm.readingAt(versions));
    const rows = found.filter((row) => isInScope(warm.args, row));
    await writeProfilesAtRate(warm, rows, readAt, rate);
    written += rows.length;
  }
  return written;
}

/** Whether a profile belongs to the platforms of the scope; without a scope every profile does. */
export const isInScope = ({ scope }: WarmPartArgs, { platform }: Profile): boolean =>
  scope?.platforms === undefined || scope.platforms.includes(platform ?? '');
