import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm, WarmPartArgs } from './part-warm.ts';

/** Profiles in one query by id, and at most in one write. */
export const PROFILE_CHUNK = 1000;

/** Writes kol:profile of these rows. @param readAt their `cached_at`, the same for all that one warm writes */
export async function writeProfiles(warm: PartWarm, rows: readonly Profile[], readAt: string): Promise<void> {
  warm.counts.rowsRead += rows.length;
  await warm.write(rows.map((row) => profile.toEntry(row.kol_id, row, readAt)));
}

interface ProfilesById {
  /** `cached_at` of the profiles. */
  readonly readAt: string;
  readonly versions?: TableVersions;
  /** Called after each chunk with the number of profiles written. */
  readonly limitRate?: (profiles: number) => Promise<void>;
}

/**
 * Reads profiles by id and writes those in the scope, PROFILE_CHUNK at a time.
 * @returns how many profiles were written
 */
export async function writeProfilesById(
  warm: PartWarm,
  lakehouse: Lakehouse,
  ids: readonly string[],
  { readAt, versions, limitRate }: ProfilesById,
): Promise<number> {
  let written = 0;
  for (const chunk of inChunks(ids, PROFILE_CHUNK)) {
    const found = await lakehouse.profilesById(chunk, warm.readingAt(versions));
    const rows = found.filter((row) => isInScope(warm.args, row));
    await writeProfiles(warm, rows, readAt);
    written += rows.length;
    await limitRate?.(rows.length);
  }
  return written;
}

/** Whether a profile belongs to the platforms of the scope; without a scope every profile does. */
export const isInScope = ({ scope }: WarmPartArgs, { platform }: Profile): boolean =>
  scope?.platforms === undefined || scope.platforms.includes(platform ?? '');
