import type { Lookup } from '../../clients/lakehouse/lookup-cache.ts';
import { updateTrending, writeContentEvents, writeEngagement } from '../../cache/writing/write-videos.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { Content } from '../../domain/entities/content.ts';
import { engagementRate, trendingMoveOf, refreshContent } from '../../domain/scoring/refresh-content.ts';
import { keepNewest } from '../../domain/scoring/keep-newest.ts';
import { parseVideoEvent } from '../../domain/scoring/video-event.ts';
import type { RangeResult, RangeWork } from './score-range.ts';

export interface RefreshVideosDeps {
  readonly lookUpContent: Lookup<Content>;
  readonly redis: RedisClient;
}

/** Video events: parse → newest per video → what the lakehouse knows → content:detail, trending, engagement of the KOL. */
export function createRefreshVideos({ lookUpContent, redis }: RefreshVideosDeps) {
  return async function refreshVideos({ records, watermarkMs, time }: RangeWork): Promise<RangeResult> {
    const now = new Date();
    const parsed = records.map((record) => ({
      offset: record.offset,
      outcome: parseVideoEvent(record, now.getTime()),
    }));
    const { newest, deadLetters, late, superseded, maxEventTimeMs } = keepNewest(
      parsed,
      ({ content_id }) => content_id,
      watermarkMs,
    );
    const known = await time('features', () => lookUpContent(newest.map(({ event }) => event.content_id)));
    const videos = newest.map(({ offset, event }) => {
      const before = known.byId.get(event.content_id) ?? null;
      const content = refreshContent(event, before);
      return { offset, event_time_ms: event.event_time_ms, event, before, content };
    });
    const written = await time('cache', async () => {
      const refreshed = await writeContentEvents(redis, videos, now);
      await updateTrending(
        redis,
        videos.map(({ event, content, before }) => trendingMoveOf(event, content, before, known.complete)),
      );
      await writeEngagement(
        redis,
        videos.flatMap(({ offset, event_time_ms, content }) =>
          content.kol_id === null
            ? []
            : [
                {
                  offset,
                  event_time_ms,
                  engagement: {
                    kol_id: content.kol_id,
                    content_id: content.content_id,
                    engagement_rate: engagementRate(content),
                  },
                },
              ],
        ),
      );
      return refreshed;
    });
    return {
      done: videos.map(({ offset }) => offset),
      deadLetters,
      late,
      superseded,
      outputs: [],
      maxEventTimeMs,
      outdated: videos.length - written,
      enriched: known.complete,
      modelVersion: null,
    };
  };
}
