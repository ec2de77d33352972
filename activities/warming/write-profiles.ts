import { Context } from '@temporalio/activity';
import { readCachedField } from '../../cache/redis/scan-entities.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { serializeValue } from '../../domain/schema/field.ts';
import { inChunks } from '../../domain/values/chunks.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import type { PartWarm, WarmPartArgs } from './part-warm.ts';

/** Profiles in one query by id, and at most in one write. */
export const PROFILE_CHUNK = 1000;

/**
 * Writes kol:profile of these rows. A retry leaves out those that an earlier attempt has written, so that a warm at a limited rate
 * continues where it was. That attempt may have written an older row of the same id, so the times of both rows are compared.
 * @param readAt their `cached_at`, the same for all that one warm writes
 * @returns how many were written now
 */
export async function writeProfiles(
  warm: PartWarm,
  rows: readonly Profile[],
  readAt: string,
): Promise<number> {
  warm.counts.rowsRead += rows.length;
  const due = isRetry() ? await withoutWritten(warm, rows, readAt) : rows;
  await warm.write(due.map((row) => profile.toEntry(row.kol_id, row, readAt)));
  warm.counts.keys += rows.length - due.length;
  return due.length;
}

const isRetry = () => Context.current().info.attempt > 1;

async function withoutWritten(
  { redis }: PartWarm,
  rows: readonly Profile[],
  readAt: string,
): Promise<readonly Profile[]> {
  const ids = rows.map(({ kol_id }) => kol_id);
  const [cachedAt, processedAt] = await Promise.all([
    readCachedField(redis, profile, ids, 'cached_at'),
    readCachedField(redis, profile, ids, 'processed_at'),
  ]);
  return rows.filter(
    ({ processed_at }, index) =>
      cachedAt[index] !== readAt || processedAt[index] !== serializeValue(processed_at),
  );
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
 * @returns how many of the profiles are cached now
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
    const writtenNow = await writeProfiles(warm, rows, readAt);
    await limitRate?.(writtenNow);
    written += rows.length;
  }
  return written;
}

/** Whether a profile belongs to the platforms of the scope; without a scope every profile does. */
export const isInScope = ({ scope }: WarmPartArgs, { platform }: Profile): boolean =>
  scope?.platforms === undefined || scope.platforms.includes(platform ?? '');
