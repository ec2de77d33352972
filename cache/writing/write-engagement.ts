import type { RedisClient } from '../../clients/redis.ts';
import { engagement, type Engagement } from '../../domain/entities/engagement.ts';
import { writeEventHashes, type EventPosition } from './write-event-hashes.ts';

/**
 * Stores the engagement of each KOL's latest video, which later scoring uses. An engagement from a newer event stays.
 * @returns how many were written
 */
export const writeEngagement = (
  redis: RedisClient,
  items: readonly (EventPosition & { readonly engagement: Engagement })[],
): Promise<number> =>
  writeEventHashes(
    redis,
    items.map(({ engagement: value, event_time_ms, offset }) => ({
      event_time_ms,
      offset,
      entry: engagement.toEntry(value),
    })),
  );
