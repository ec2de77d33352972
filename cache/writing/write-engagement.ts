import type { RedisClient } from '../../clients/redis.ts';
import { engagement, type Engagement } from '../../domain/entities/engagement.ts';
import type { EventPosition } from './lua-event.ts';
import { writeEventHashes } from './write-event-hashes.ts';

/**
 * Stores the engagement of each KOL's latest video. An engagement from a newer event stays.
 * @returns how many were written
 */
export const writeEngagement = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly engagement: Engagement })[],
): Promise<number> =>
  writeEventHashes(
    redis,
    items.map(({ engagement: value, ...position }) => ({ ...position, entry: engagement.toEntry(value) })),
  );
