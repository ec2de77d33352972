import { writeContentEvents } from '../../cache/writing/write-content.ts';
import { writeEngagement } from '../../cache/writing/write-engagement.ts';
import { updateTrending } from '../../cache/writing/write-trending.ts';
import type { Lookup, LookupResult } from '../../clients/lakehouse/lookup-cache.ts';
import type { InputRecord } from '../../clients/kafka/read-slice.ts';
import type { RedisClient } from '../../clients/redis.ts';
import type { Content } from '../../domain/entities/content.ts';
import { keepNewest, type EventAtOffset } from '../../domain/scoring/keep-newest.ts';
import { parseVideoEvent, type VideoEvent } from '../../domain/scoring/parse-video-event.ts';
import { engagementRate, refreshContent, trendingMoveOf } from '../../domain/scoring/refresh-content.ts';
import type { RangeResult, RangeWork } from './range-work.ts';

export interface RefreshVideosDeps {
  readonly lookUpContent: Lookup<Content>;
  readonly redis: RedisClient;
}

/** A video event with the content item that it refreshes. */
interface RefreshedVideo {
  readonly offset: number;
  readonly event_time_ms: number;
  readonly event: VideoEvent;
  /** The item as the lakehouse has it; null when it has none. */
  readonly before: Content | null;
  readonly content: Content;
}

/** Refreshes content from video events: parse → keep the newest of each video → look up content → Redis. */
export function createRefreshVideos({ lookUpContent, redis }: RefreshVideosDeps) {
  return async function refreshVideos({ records, watermarkMs, time }: RangeWork): Promise<RangeResult> {
    const now = new Date();
    const { newest, ...sorted } = parseAndKeepNewest(records, watermarkMs, now);
    const known = await time('features', () => lookUpContent(newest.map(({ event }) => event.content_id)));
    const videos = newest.map((video) => refreshVideo(video, known));
    const written = await time('cache', () => writeVideos(redis, videos, known.complete, now));
    return {
      ...sorted,
      done: videos.map(({ offset }) => offset),
      outputs: [],
      outdated: videos.length - written,
      enriched: known.complete,
      modelVersion: null,
    };
  };
}

function parseAndKeepNewest(records: readonly InputRecord[], watermarkMs: number | null, now: Date) {
  const parsed = records.map((record) => ({
    offset: record.offset,
    outcome: parseVideoEvent(record, now.getTime()),
  }));
  return keepNewest(parsed, ({ content_id }) => content_id, watermarkMs);
}

function refreshVideo(
  { offset, event }: EventAtOffset<VideoEvent>,
  known: LookupResult<Content>,
): RefreshedVideo {
  const before = known.byId.get(event.content_id) ?? null;
  return {
    offset,
    event_time_ms: event.event_time_ms,
    event,
    before,
    content: refreshContent(event, before),
  };
}

/** Writes content details, trending lists and the engagement of the KOLs. @returns how many details were written */
async function writeVideos(
  redis: RedisClient,
  videos: readonly RefreshedVideo[],
  lakehouseAnswered: boolean,
  now: Date,
): Promise<number> {
  const written = await writeContentEvents(redis, videos, now);
  const moves = videos.map(({ event, content, before }) =>
    trendingMoveOf(event, content, before, lakehouseAnswered),
  );
  await updateTrending(redis, moves);
  await writeEngagement(redis, videos.flatMap(toEngagement));
  return written;
}

function toEngagement({ offset, event_time_ms, content }: RefreshedVideo) {
  const { kol_id, content_id } = content;
  if (kol_id === null) return [];
  const engagement = { kol_id, content_id, engagement_rate: engagementRate(content) };
  return [{ offset, event_time_ms, engagement }];
}
