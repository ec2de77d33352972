import type { KolEvent } from '../../cache/writing/read-fence.ts';
import { mergeContentEvents } from '../../cache/writing/write-content.ts';
import { writeEngagement } from '../../cache/writing/write-engagement.ts';
import { updateTrending } from '../../cache/writing/write-trending.ts';
import { writeUnlessErased } from '../../cache/writing/write-unless-erased.ts';
import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import type { RedisClient } from '../../clients/redis.ts';
import { content, type Content } from '../../domain/entities/content.ts';
import { engagement } from '../../domain/entities/engagement.ts';
import type { EventSource } from '../../domain/kafka-location.ts';
import { keepNewest } from '../../domain/scoring/keep-newest.ts';
import { happenedByMs } from '../../domain/scoring/parse-event.ts';
import { parseVideoEvent, type VideoEvent } from '../../domain/scoring/parse-video-event.ts';
import {
  engagementRate,
  refreshContent,
  trendingMoveOf,
  type LakehouseItem,
  type MergedContent,
} from '../../domain/scoring/refresh-content.ts';
import { timed, type BatchResult, type MicroBatch } from './micro-batch.ts';

export interface RefreshVideosDeps {
  readonly lookUpContent: Lookup<Content>;
  readonly redis: RedisClient;
}

/** A video event at its offset, with what the lakehouse says of its item. */
interface LookedUpVideo extends VideoEvent, KolEvent {
  readonly source: EventSource;
  readonly row: LakehouseItem;
}

/** Refreshes content from video events: parse → keep the newest of each video → look up content; `write` writes Redis. */
export function createRefreshVideos({ lookUpContent, redis }: RefreshVideosDeps) {
  return async function refreshVideos({
    input,
    records,
    lateness,
    phases,
  }: MicroBatch): Promise<BatchResult> {
    const { newest, ...sorted } = keepNewest(records, parseVideoEvent, (event) => event.content_id, lateness);
    const { byId, complete } = await timed(phases, 'features', () =>
      lookUpContent(newest.map(({ event }) => event.content_id)),
    );
    const videos = newest.map(({ record, event }): LookedUpVideo => {
      // Without a complete answer, an item that was not found may exist.
      const row = byId.get(event.content_id)?.at(-1) ?? (complete ? null : undefined);
      const kolIds = [event.kol_id, row?.kol_id].filter((id) => id != null);
      const happened_by_ms = happenedByMs(event.event_time_ms, record, lateness.nowMs);
      const keys = [content.key(event.content_id), ...kolIds.map(engagement.key)];
      return { ...event, source: { ...input, offset: record.offset }, row, kolIds, happened_by_ms, keys };
    });
    return {
      ...sorted,
      scored: newest.map(({ record }) => record.offset),
      late: newest.filter(({ late }) => late).length,
      cutAt: null,
      modelVersion: null,
      async write() {
        const written = await writeUnlessErased(redis, videos, (some) =>
          writeVideos(redis, some, new Date()),
        );
        return { outdated: videos.length - written, scores: [] };
      },
    };
  };
}

/**
 * Writes content details, then trending lists and the engagement of the KOLs. An event that is older than its cached detail changes
 * nothing. @returns how many details were written
 */
async function writeVideos(redis: RedisClient, videos: readonly LookedUpVideo[], now: Date): Promise<number> {
  const merge = (event: LookedUpVideo, cached: MergedContent | null) =>
    refreshContent(event, event.row, cached);
  const written = await mergeContentEvents(redis, videos, merge, now);
  const trending = written.flatMap(
    ({ event, content: item }) => trendingMoveOf(event, item, event.row, now.getTime()) ?? [],
  );
  const engagements = written.flatMap(({ event: { source, event_time_ms }, content: item }) => {
    const { kol_id, content_id } = item;
    if (kol_id === null) return [];
    const rate = engagementRate(item);
    return [{ source, event_time_ms, engagement: { kol_id, content_id, engagement_rate: rate } }];
  });
  await Promise.all([updateTrending(redis, trending), writeEngagement(redis, engagements)]);
  return written.length;
}
