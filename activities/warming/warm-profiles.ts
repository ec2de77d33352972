import { Context } from '@temporalio/activity';
import { scanEntities } from '../../cache/redis/scan-entities.ts';
import { selectHotProfiles, type HotProfiles, type HotProfilesOptions } from '../../cache/popularity/select-hot-profiles.ts';
import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { readMemoryInfo } from '../../cache/redis/memory-info.ts';
import { refreshTtls } from '../../cache/writing/refresh-ttl.ts';
import type { Lakehouse } from '../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { isUnchanged, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile, type Profile } from '../../domain/entities/profile.ts';
import { profileSplits, type ProfileSplit } from '../../domain/warming/profile-splits.ts';
import { memoryWarnings } from '../../domain/warming/redis-memory.ts';
import type { PartReport } from '../../domain/warming/warm-parts.ts';
import { prefetchPages } from './prefetch.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { deleteRemovedIds, deleteRemovedRows } from './delete-removed-rows.ts';
import { queryTables, refuseShrunken, tableSizeChanges } from './warm-set.ts';
import { PartWarm, runPartWarm, type WarmCounts, type WarmPartArgs } from './part-warm.ts';

export interface WarmProfilesDeps {
  readonly redis: RedisClient;
  readonly lakehouse: Lakehouse;
  readonly maxShrinkPercent: number;
  readonly profiles: HotProfilesOptions & {
    /** Rows that one split reads. */
    readonly rowsPerSplit: number;
    /** Splits that read Trino at once, over all workers. */
    readonly parallelSplits: number;
    /** Keys a second that all splits together write; 0 for no limit. */
    readonly writesPerSecond: number;
    /** At least so many of the most followed of each platform are hot. */
    readonly perPlatform: number;
  };
}

/** What there is to do for the profiles; small enough for history. */
export interface ProfilePlan {
  /** The `cached_at` of everything that this warm writes, ISO 8601. */
  readonly readAt: string;
  /** What was done already: keys renewed. Nothing else is to be done where there are neither splits nor a hot choice. */
  readonly report: PartReport;
  /** Rows that will be read, for progress. */
  readonly total: number;
  readonly splits: readonly ProfileSplit[];
  readonly parallelSplits: number;
  /** Not all profiles are hot: how many, by `warmHotProfiles`. Null where all are, or none. */
  readonly room: number | null;
  readonly tableRows: Readonly<Record<string, number>>;
  readonly snapshots: Readonly<Record<string, string | null>>;
  readonly shape: string;
}

export interface ProfileSplitArgs extends WarmPartArgs {
  readonly split: ProfileSplit;
  readonly readAt: string;
  /** Splits that run beside this one, itself included. */
  readonly parallelSplits: number;
}

export interface HotProfilesArgs extends WarmPartArgs {
  readonly readAt: string;
  readonly room: number;
}

export interface FinishProfilesArgs extends WarmPartArgs {
  readonly plan: ProfilePlan;
  /** What the warm read and wrote. */
  readonly report: PartReport;
  /** Whether all is to be read again where Redis lost something of it. */
  readonly mayRepeat: boolean;
}

const CHUNK = 1000;
const unpaced = (_items: number): Promise<void> => Promise.resolve();
/** A split's query stays open while its rows are written: at a limited rate it must still end within Trino's time for it. */
const SPLIT_SECONDS = 60;

/** The profiles: plan → splits in parallel, or the hot ones in one go → finish. */
export function createWarmProfiles(deps: WarmProfilesDeps) {
  const { redis, lakehouse, maxShrinkPercent, profiles: options } = deps;

  /** Rows that a split can write in its time. */
  const rowsInTime =
    options.writesPerSecond === 0
      ? Infinity
      : Math.max(1, (options.writesPerSecond / options.parallelSplits) * SPLIT_SECONDS);

  const write = (warm: PartWarm, page: readonly Profile[], readAt: string) =>
    warm.write(page.map((value) => profile.toEntry(value.kol_id, value, readAt)));

  /** Reads by id and writes what is in scope, in bounded chunks. @returns how many there were */
  async function warmIds(
    warm: PartWarm,
    ids: readonly string[],
    readAt: string,
    pace = unpaced,
  ): Promise<number> {
    let count = 0;
    for (let start = 0; start < ids.length; start += CHUNK) {
      const found = await lakehouse.profilesById(ids.slice(start, start + CHUNK), warm.reading);
      const wanted = found.filter((one) => inScope(warm.args, one));
      count += wanted.length;
      warm.counts.rowsRead += wanted.length;
      await write(warm, wanted, readAt);
      await pace(wanted.length);
    }
    return count;
  }

  /** Renews what the last warm wrote. @returns false where some of that is gone, so that it must be read anew */
  async function renew(warm: PartWarm, last: PartMetadata, hot: HotProfiles, all: boolean): Promise<boolean> {
    const wanted = new Set([...hot.asked, ...hot.refresh]);
    // As others are asked for, some of the last choice must go, or the hot ones would outgrow their room.
    let room = all ? Infinity : hot.room - hot.asked.length;
    let ofLastWarm = 0;
    let renewed = 0;
    for await (const page of scanEntities(redis, profile)) {
      // Where all are hot, one that a reader has cached since then was read from the same tables.
      const warmed = page.filter(({ cachedAt }) =>
        all ? cachedAt >= last.read_at : cachedAt === last.read_at,
      );
      ofLastWarm += warmed.length;
      const others = new Set(warmed.map(({ id }) => id));
      const due = page.filter(({ id }) => wanted.delete(id) || (others.has(id) && room-- > 0));
      if (!warm.args.dryRun)
        await refreshTtls(
          redis,
          due.map(({ id }) => ({ key: profile.key(id), ttlSeconds: profile.ttlSeconds })),
        );
      renewed += due.length;
    }
    if (ofLastWarm < last.keys) return false;
    warm.counts.renewed = renewed;
    warm.skipped.push(
      `unchanged since ${last.read_at}: ${last.rows} rows not read, ${renewed} keys ${warm.args.dryRun ? 'would be ' : ''}renewed`,
    );
    // Asked for, but not cached.
    await warmIds(warm, [...wanted], new Date().toISOString());
    return true;
  }

  return {
    /** Looks what there is to do: nothing changed → renewed here and now; else how the rows are to be read. */
    async planProfiles(args: WarmPartArgs): Promise<ProfilePlan> {
      const warm = new PartWarm(redis, 'profiles', args);
      const now = new Date();
      let rest: Omit<ProfilePlan, 'readAt' | 'report'> | undefined;
      const report = await runPartWarm(warm, async () => {
        const [last, snapshots, tableRows, hot] = await Promise.all([
          readPartMetadata(redis, 'profiles'),
          queryTables('profiles', (table) => lakehouse.snapshot(table, warm.reading)),
          queryTables('profiles', (table) => lakehouse.countRows(table, warm.reading)),
          selectHotProfiles(redis, options, now),
        ]);
        const rows = tableRows['kol_profiles'] ?? 0;
        const all = args.allProfiles || hot.room >= rows;
        // Room itself follows the mean size of a profile, which is never quite the same.
        const shape = all
          ? 'all'
          : `hot ${options.fixedRoom ?? `${options.memoryPercent} %`}, ${options.perPlatform}`;
        const done = { total: 0, splits: [], parallelSplits: 1, room: null, tableRows, snapshots, shape };
        rest = done;
        const mayRenew = !args.force && args.scope === undefined && last !== null;
        if (mayRenew && isUnchanged(last, { snapshots, shape }) && (await renew(warm, last, hot, all))) {
          if (!args.dryRun) await warm.note(last, now);
          return;
        }
        if (!args.allowShrink) refuseShrunken(tableSizeChanges(last, tableRows), maxShrinkPercent);
        const total = all ? rows : Math.min(rows, hot.room);
        const added = Math.max(0, total - (last?.keys ?? 0)) * hot.bytesPerProfile;
        warm.warnings.push(...memoryWarnings(await readMemoryInfo(redis), added));
        rest = all
          ? {
              ...done,
              total,
              splits: profileSplits(rows, Math.min(options.rowsPerSplit, rowsInTime)),
              parallelSplits: options.parallelSplits,
            }
          : { ...done, total, room: hot.room };
      });
      if (rest === undefined) throw new Error('a plan that was not made');
      return { readAt: now.toISOString(), report, ...rest };
    },

    /** Reads and writes one share of all profiles. A retry goes on after the last id that a heartbeat carried. */
    warmProfileSplit(args: ProfileSplitArgs): Promise<PartReport> {
      const at = (Context.current().info.heartbeatDetails ?? { after: null }) as {
        after: string | null;
        counts?: WarmCounts;
      };
      const warm = new PartWarm(redis, 'profiles', args, at.counts);
      let { after, counts } = { after: at.after, counts: { ...warm.counts } };
      return runPartWarm(
        warm,
        async () => {
          const perSecond = options.writesPerSecond / args.parallelSplits;
          const pace = createRateLimiter(perSecond, warm.reading.signal);
          const chunkSize = perSecond === 0 ? CHUNK : Math.min(CHUNK, Math.max(1, Math.floor(perSecond)));
          const range = { after, platforms: args.scope?.platforms };
          for await (const page of prefetchPages(lakehouse.profileSplit(args.split, range, warm.reading)))
            for (let start = 0; start < page.length; start += chunkSize) {
              const chunk = page.slice(start, start + chunkSize);
              warm.counts.rowsRead += chunk.length;
              await write(warm, chunk, args.readAt);
              ({ after, counts } = { after: chunk.at(-1)?.kol_id ?? after, counts: { ...warm.counts } });
              await pace(chunk.length);
            }
        },
        () => ({ after, counts }),
      );
    },

    /** The most asked-for and the most followed, as many as there is room for, and what is still read beyond that. */
    warmHotProfiles(args: HotProfilesArgs): Promise<PartReport> {
      const warm = new PartWarm(redis, 'profiles', args);
      return runPartWarm(warm, async () => {
        const hot = await selectHotProfiles(redis, options, new Date());
        const done = new Set([...hot.asked, ...hot.refresh]);
        const pace = createRateLimiter(options.writesPerSecond, warm.reading.signal);
        await warmIds(warm, hot.refresh, args.readAt, pace);
        let room = args.room - (await warmIds(warm, hot.asked, args.readAt, pace));
        // The query stays open while its rows are written.
        const timeoutSeconds =
          options.writesPerSecond === 0 ? undefined : SPLIT_SECONDS + args.room / options.writesPerSecond;
        const reading = { ...warm.reading, timeoutSeconds };
        const choice = { most: args.room, perPlatform: Math.min(options.perPlatform, args.room) };
        for await (const page of prefetchPages(lakehouse.mostFollowed(choice, reading))) {
          const fresh = page
            .filter((one) => !done.has(one.kol_id) && inScope(args, one))
            .slice(0, Math.max(0, room));
          for (const { kol_id } of fresh) done.add(kol_id);
          room -= fresh.length;
          warm.counts.rowsRead += fresh.length;
          await write(warm, fresh, args.readAt);
          await pace(fresh.length);
        }
      });
    },

    /** Just these KOLs, as an ETL pipeline names them. */
    warmProfileIds(args: WarmPartArgs): Promise<PartReport> {
      const ids = args.scope?.ids ?? [];
      const warm = new PartWarm(redis, 'profiles', args);
      return runPartWarm(warm, async () => {
        await warmIds(warm, ids, new Date().toISOString());
        await deleteRemovedIds(warm, lakehouse, profile, ids);
      });
    },

    /**
     * Judges what was read, takes out what the lakehouse has no more, and notes the warm.
     * @returns lost: profiles that were written and are gone, by a restart or failover of Redis, or by eviction
     */
    async finishProfiles(args: FinishProfilesArgs): Promise<{ report: PartReport; lost: number }> {
      const { plan, report: written } = args;
      const warm = new PartWarm(redis, 'profiles', args);
      let lost = 0;
      const report = await runPartWarm(warm, async () => {
        const { rowsRead } = written;
        if (rowsRead === 0) warm.refuseEmpty();
        // Fewer came than the plan counted a moment ago: a read that was cut short is no reason to take anything out.
        if (!args.allowShrink)
          refuseShrunken([{ what: 'rows read', before: plan.total, now: rowsRead }], maxShrinkPercent);
        const { ofWarm, since } = await deleteRemovedRows(warm, lakehouse, profile, plan.readAt);
        const present = plan.room === null ? ofWarm + since : ofWarm;
        // A KOL that the lakehouse has twice is one key.
        let keys = written.keys;
        if (present < keys && plan.room === null)
          keys = Math.min(keys, await lakehouse.countIds(profile, warm.reading));
        lost = Math.max(0, keys - present);
        if (lost > 0 && args.mayRepeat) return;
        if (lost > 0)
          warm.warnings.push(
            `${lost} of the ${keys} profiles that were written are gone again: Redis evicts them, or was restarted`,
          );
        const { readAt: read_at, tableRows, snapshots, shape } = plan;
        await warm.note({ keys, read_at, rows: rowsRead, tableRows, snapshots, shape, sets: {} }, new Date());
      });
      return { report, lost };
    },
  };
}

const inScope = ({ scope }: WarmPartArgs, { platform }: Profile): boolean =>
  scope?.platforms === undefined || scope.platforms.includes(platform ?? '');
