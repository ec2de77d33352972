import { readPartMetadata } from '../../cache/writing/part-metadata.ts';
import { deleteUnlessStreamed } from '../../cache/writing/delete-entries.ts';
import { removeSets } from '../../cache/writing/replace-set.ts';
import { scanEntities, scanKeys } from '../../cache/redis/scan-entities.ts';
import { cachedAtOf, type RedisClient } from '../../clients/redis.ts';
import { content } from '../../domain/entities/content.ts';
import { dailyStats } from '../../domain/entities/daily-stats.ts';
import { kolContent } from '../../domain/entities/kol-content.ts';
import type { PartMetadata } from '../../domain/entities/part-metadata.ts';
import { profile } from '../../domain/entities/profile.ts';
import type { Fields } from '../../domain/schema/field.ts';
import type { TableEntity } from '../../domain/schema/table-entity.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { withHeartbeat } from '../heartbeat.ts';

interface DropOutdatedArgs {
  /** Parts that a warm after a load has warmed, all of each. */
  readonly parts: readonly WarmPart[];
}

/**
 * Removes what readers have cached of the tables of these parts before the versions that their last warms read, and what no warm writes:
 * profiles and details of content that are not hot, the content of a KOL, and the statistics of earlier days. So readers see a load that is
 * done. A value of an event, or of a later read, stays.
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
  if (part === 'profiles') yield* dropRows(redis, profile, readAt);
  if (part === 'trending') {
    yield* dropRows(redis, content, readAt);
    yield* dropSets(redis, kolContent.key(''), readAt, last);
  }
  if (part === 'stats') yield* dropSets(redis, dailyStats.key(''), readAt, last);
}

/** When the oldest values began to be read that are of the versions of a part: the time of Redis in microseconds. */
function readTimeOf({ sets, read_at, oldest_read_at = read_at }: PartMetadata): number {
  const ofSets = Object.values(sets).flatMap(({ readAt }) => readAt ?? []);
  return ofSets.length > 0 ? Math.min(...ofSets) : Date.parse(oldest_read_at) * 1000;
}

async function* dropRows(
  redis: RedisClient,
  entity: Pick<TableEntity<Fields>, 'key'>,
  readAt: number,
): AsyncGenerator<number> {
  const oldest = cachedAtOf(readAt);
  for await (const page of scanEntities(redis, entity)) {
    const outdated = page.filter(({ cachedAt }) => cachedAt < oldest).map(({ id }) => entity.key(id));
    yield deleteUnlessStreamed(redis, outdated, readAt);
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
