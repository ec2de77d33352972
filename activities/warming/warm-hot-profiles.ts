import { selectHotProfiles } from '../../cache/popularity/select-hot-profiles.ts';
import { writeHotIds } from '../../cache/writing/hot-ids.ts';
import { profile } from '../../domain/entities/profile.ts';
import { createFill } from '../../domain/warming/choose-hot-profiles.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { TableVersions } from '../../domain/warming/table-version.ts';
import { PartWarm, type PartWarmDeps, type WarmPartArgs } from './part-warm.ts';
import { prefetchPages } from './prefetch.ts';
import { SPLIT_SECONDS, type ProfileOptions } from './profile-options.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { readPlannedVersion } from './read-one-version.ts';
import { isInScope, writeProfilesAtRate, writeProfilesById } from './write-profiles.ts';

export interface WarmHotProfilesArgs extends WarmPartArgs {
  readonly readAt: string;
  /** The versions of the plan. */
  readonly versions: TableVersions;
  /** Profiles to keep warm. */
  readonly room: number;
  /** Profiles to write in a second; 0 for no limit. */
  readonly writesPerSecond: number;
}

/**
 * Warms the profiles that will probably be read most until the next warm, then fills the room with those that have the most followers. In
 * addition it refreshes profiles beyond the room that are still read and about to expire.
 */
export function createWarmHotProfiles(deps: PartWarmDeps & { readonly profiles: ProfileOptions }) {
  const { redis, lakehouse } = deps;

  return function warmHotProfiles(args: WarmHotProfilesArgs): Promise<PartReport> {
    const { room, readAt, versions, writesPerSecond } = args;
    const options = deps.profiles;
    const warm = new PartWarm(deps, 'profiles', args);
    const work = async () => {
      const hot = await selectHotProfiles(redis, { ...options, room }, new Date());
      const rate = createRateLimiter(writesPerSecond, warm.reading.signal);
      const writing = { readAt, versions, rate };
      await writeProfilesById(warm, lakehouse, hot.refresh, writing);
      const roomLeft = room - (await writeProfilesById(warm, lakehouse, hot.mostRead, writing));

      const chosen = [...hot.mostRead, ...hot.refresh];
      const fill = createFill(roomLeft, chosen, profile.idOf);
      const reading = { ...warm.readingAt(versions), timeoutSeconds: queryTimeoutOf(writesPerSecond, room) };
      const choice = { overall: room, perPlatform: Math.min(options.perPlatform, room) };
      for await (const page of prefetchPages(lakehouse.mostFollowed(choice, reading))) {
        const added = fill(page.filter((row) => isInScope(args, row)));
        await writeProfilesAtRate(warm, added, readAt, rate);
        chosen.push(...added.map(profile.idOf));
      }
      if (!args.dryRun && args.scope === undefined) await writeHotIds(redis, chosen);
      return warm.report();
    };
    return warm.run(() => readPlannedVersion(work));
  };
}

/** The query stays open while its rows are written, so at a limited rate the timeout includes the writing (s). */
const queryTimeoutOf = (writesPerSecond: number, room: number): number | undefined =>
  writesPerSecond === 0 ? undefined : SPLIT_SECONDS + room / writesPerSecond;
