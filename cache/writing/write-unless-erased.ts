import type { RedisClient } from '../../clients/redis.ts';
import { removeEverywhere } from '../admin/erase-kol.ts';
import { areErased, type KolEvent } from './read-fence.ts';

/**
 * Writes what events say of KOLs, except of KOLs that were erased after their event: a backlog must not bring them back. An erasure that
 * runs during the write may not have seen what is written, so that KOL is removed once more.
 * @returns what `write` returns
 * @throws the first error that Redis answered
 */
export async function writeUnlessErased<E extends KolEvent, R>(
  redis: RedisClient,
  events: readonly E[],
  write: (events: readonly E[]) => Promise<R>,
): Promise<R> {
  const wereErased = await areErased(redis, events);
  const written = events.filter((_, index) => wereErased[index] !== true);
  const result = await write(written);
  const erased = await areErased(redis, written);
  const kolIds = written.flatMap(({ kolIds }, index) => (erased[index] === true ? kolIds : []));
  for (const kolId of new Set(kolIds)) await removeEverywhere(redis, kolId);
  return result;
}
