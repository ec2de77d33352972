import { readHotIds } from '../../cache/writing/hot-ids.ts';
import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import { removeSets } from '../../cache/writing/replace-set.ts';
import { scanEntities, scanKeys, type CachedEntity } from '../../cache/redis/scan-entities.ts';
import { cachedAtOf, readRedisTime, type RedisClient } from '../../clients/redis.ts';
import { content } from '../../domain/entities/content.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { kolContent } from '../../domain/entities/kol-content.ts';
import { ALL_PROFILES, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import { ranking } from '../../domain/entities/ranking.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import { mayComeBack } from '../../domain/warming/table-version.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { withHeartbeat } from '../heartbeat.ts';

interface DropOutdatedArgs {
  /** Parts that a warm after a load has warmed completely. */
  readonly parts: readonly WarmPart[];
}

/**
 * Removes outdated values that readers cached and no warm writes: profiles and content details that are not hot, the content of a KOL,
 * rankings of other lengths, statistics of earlier days. A value is outdated if it was read before the versions that the last warm of its
 * part read. Without this, readers would not see a finished load until the TTL ends. Values of events and of later reads stay.
 * @returns how many keys were removed
 */
export function createDropOutdated({ redis }: { readonly redis: RedisClient }) {
  return function dropOutdated({ parts }: DropOutdatedArgs): Promise<number> {
    let removed = 0;
    return withHeartbeat(
      async (signal) => {
        for (const part of parts) {
          const last = await readPartMetadata(redis, part);
          if (last === null) continue;
          for await (const count of dropOfPart(redis, part, last)) {
            signal.throwIfAborted();
            removed += count;
          }
        }
        return removed;
      },
      () => ({ removed }),
    );
  };
}

async function* dropOfPart(redis: RedisClient, part: WarmPart, last: PartMetadata): AsyncGenerator<number> {
  const readAt = readTimeOf(last);
  // A file table can return to an earlier version. Then the version of a value that a reader cached since is unknown.
  const before = mayComeBack(last.versions) ? await readRedisTime(redis) : readAt;
  if (part === 'profiles') yield* dropProfiles(redis, last, { readAt, before });
  if (part === 'rankings') yield* dropSets(redis, ranking.prefix, before, last);
  if (part === 'trending') {
    const isWarmed = ({ id }: CachedEntity) => last.sets[content.key(id)] !== undefined;
    yield* dropRows(redis, content, { readAt, before }, isWarmed);
    yield* dropSets(redis, kolContent.key(''), before, last);
  }
  if (part === 'stats') yield* dropSets(redis, dailyStats.key(''), before, last);
}

async function* dropProfiles(redis: RedisClient, last: PartMetadata, times: Times): AsyncGenerator<number> {
  // A warm of all profiles has rewritten every profile that readers had cached.
  const isHot = last.shape === ALL_PROFILES ? () => true : await readHotIds(redis);
  yield* dropRows(redis, profile, times, ({ id, cachedAt }) => cachedAt === last.read_at || isHot(id));
}

/** Times of Redis in microseconds. */
interface Times {
  /** When the last warm that read the lakehouse began. Older values are outdated. */
  readonly readAt: number;
  /** Values that no warm chose are outdated if they were cached before this time. */
  readonly before: number;
}

/** The start of the oldest read of the current versions of a part: the time of Redis in microseconds. */
function readTimeOf({ sets, read_at, oldest_read_at = read_at }: PartMetadata): number {
  const ofSets = Object.values(sets).flatMap(({ readAt }) => readAt ?? []);
  return ofSets.length > 0 ? Math.min(...ofSets) : Date.parse(oldest_read_at) * 1000;
}

/** @param isWarmed tells which rows the warm chose */
async function* dropRows(
  redis: RedisClient,
  entity: Pick<TableEntity<Fields>, 'key'>,
  { readAt, before }: Times,
  isWarmed: (row: CachedEntity) => boolean,
): AsyncGenerator<number> {
  const [oldest, oldestCold] = [cachedAtOf(readAt), cachedAtOf(before)];
  for await (const page of scanEntities(redis, entity)) {
    const outdated = page.filter((row) => row.cachedAt < (isWarmed(row) ? oldest : oldestCold));
    yield deleteUnlessStreamed(
      redis,
      outdated.map(({ id }) => entity.key(id)),
      before,
    );
  }
}

async function* dropSets(
  redis: RedisClient,
  prefix: string,
  readAt: number,
  { sets }: PartMetadata,
): AsyncGenerator<number> {
  for await (const keys of scanKeys(redis, prefix))
    yield removeSets(
      redis,
      keys.filter((key) => sets[key] === undefined),
      readAt,
    );
}
