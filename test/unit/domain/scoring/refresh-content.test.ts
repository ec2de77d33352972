import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Content } from '../../../../domain/entities/content.ts';
import type { VideoEvent } from '../../../../domain/scoring/parse-video-event.ts';
import {
  contentTimeMs,
  engagementRate,
  type MergedContent,
  refreshContent,
  STREAM_ONLY,
  trendingMoveOf,
} from '../../../../domain/scoring/refresh-content.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const COUNTS = ['views', 'likes', 'comments', 'shares'] as const;
/** What the lakehouse says of an item. An event does not override it. */
const DESCRIPTION = [
  ...(['kol_id', 'content_type', 'title', 'description'] as const),
  ...(['duration_seconds', 'posted_at', 'hashtags', 'source'] as const),
];

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const count = orNull(fc.nat());
const text = orNull(fc.string({ minLength: 1, maxLength: 5 }));
const time = fc
  .integer({ min: -10, max: 10 })
  .map((minutes) => new Date(NOW_MS + minutes * 60_000).toISOString());
const counts = { views: count, likes: count, comments: count, shares: count };
const event: fc.Arbitrary<VideoEvent> = fc.record({
  ...{ event_id: text, event_time_ms: fc.constant(NOW_MS), platform: fc.constant('tiktok') },
  ...{ content_id: fc.constant('v1'), kol_id: text, caption: text, ...counts },
});
const row: fc.Arbitrary<Content> = fc.record({
  ...{ content_id: fc.constant('v1'), kol_id: text, platform: text, content_type: text },
  ...{
    title: text,
    description: text,
    ...counts,
    engagement_rate: orNull(fc.double({ min: 0, max: 100, noNaN: true })),
  },
  ...{ duration_seconds: count, posted_at: orNull(time), hashtags: text },
  ...{ source: orNull(fc.constant('scraper')), processed_at: orNull(time) },
});
/** A detail as a row writes it. */
const cachedRow: fc.Arbitrary<MergedContent> = row.map((item) => ({
  ...item,
  row_time_ms: contentTimeMs(item),
}));
/** A detail that a row wrote, or earlier events, with or without a row. */
const cached: fc.Arbitrary<MergedContent> = fc.oneof(
  cachedRow,
  fc.tuple(event, orNull(row)).map(([earlier, known]) => refreshContent(earlier, known, null)),
);
const noAnswer = fc.constantFrom(undefined, null);

const timeOf = ({ processed_at }: Pick<Content, 'processed_at'>) =>
  processed_at === null ? 0 : Date.parse(processed_at);
const pick = (item: Content, names: readonly string[]) =>
  Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));

describe('a video event', () => {
  test('keeps the cached description when the lakehouse does not answer', () => {
    fc.assert(
      fc.property(event, cached, (video, before) => {
        const after = refreshContent(video, undefined, before);
        for (const name of [...COUNTS, ...DESCRIPTION])
          if (before[name] !== null) expect(after[name]).not.toBeNull();
        if (before.source === STREAM_ONLY) return;
        const known = DESCRIPTION.filter((name) => before[name] !== null);
        expect(pick(after, known)).toEqual(pick(before, known));
      }),
    );
  });

  test('takes the description from the row, unless a newer row describes the cached detail', () => {
    fc.assert(
      fc.property(event, row, cached, (video, known, before) => {
        const newer = before.source !== STREAM_ONLY && (before.row_time_ms ?? 0) > timeOf(known);
        const described = newer ? before : known;
        const names = DESCRIPTION.filter((name) => described[name] !== null);
        expect(pick(refreshContent(video, known, before), names)).toEqual(pick(described, names));
      }),
    );
  });

  // A warm had written a newer row, which one event after the other described with the row of an older look-up.
  test('keeps the description of the newest row over any number of events whose look-up has an older row', () => {
    fc.assert(
      fc.property(fc.array(event), row, cachedRow, (videos, older, newest) => {
        fc.pre(timeOf(older) < timeOf(newest));
        const after = videos.reduce((before, video) => refreshContent(video, older, before), newest);
        const names = DESCRIPTION.filter((name) => newest[name] !== null);
        expect(pick(after, names)).toEqual(pick(newest, names));
      }),
    );
  });

  test('has the newest count that is known: its own, that of the row, or that of the cached detail', () => {
    fc.assert(
      fc.property(event, fc.option(row, { nil: undefined }), orNull(cached), (video, known, before) => {
        const after = refreshContent(video, known, before);
        const own = { ...video, processed_at: new Date(video.event_time_ms).toISOString() };
        const sources = [own, known, before].filter((source) => source != null);
        // The sort is stable: of equal times, the event counts, then the row.
        const [newest, second, oldest] = sources.sort((a, b) => timeOf(b) - timeOf(a));
        for (const name of COUNTS)
          expect(after[name]).toBe(newest?.[name] ?? second?.[name] ?? oldest?.[name] ?? null);
        expect(timeOf(after)).toBe(newest && timeOf(newest));
      }),
    );
  });

  test('is described by itself when only events are known of the item', () => {
    fc.assert(
      fc.property(event, event, noAnswer, (earlier, video, known) => {
        const after = refreshContent(video, known, refreshContent(earlier, known, null));
        expect(after).toMatchObject({
          kol_id: video.kol_id ?? earlier.kol_id,
          title: video.caption ?? earlier.caption,
          description: video.caption ?? earlier.caption,
          source: STREAM_ONLY,
        });
      }),
    );
  });

  test('that is processed again changes nothing, unless the cached row is newer than the event', () => {
    fc.assert(
      fc.property(event, fc.option(row, { nil: undefined }), orNull(cached), (video, known, before) => {
        fc.pre(before === null || timeOf(before) <= NOW_MS);
        const after = refreshContent(video, known, before);
        expect(refreshContent(video, known, after)).toEqual(after);
      }),
    );
  });

  test('gives an engagement rate of its counts, and none without them', () => {
    const rateOf = (...[views = null, likes = null, comments = null, shares = null]: (number | null)[]) =>
      engagementRate({ views, likes, comments, shares });
    expect([rateOf(200, 10, 4, 6), rateOf(200, 10), rateOf(200, 0)]).toEqual([10, 5, 0]);
    expect([rateOf(200), rateOf(0, 10), rateOf(null, 10)]).toEqual([null, null, null]);
  });
});

describe('a trending item', () => {
  const base: VideoEvent = {
    ...{ event_id: null, event_time_ms: NOW_MS, platform: 'tiktok', content_id: 'v1', kol_id: null },
    ...{ caption: null, views: 5, likes: null, comments: null, shares: null },
  };
  const posted = (hoursAgo: number | null, more: Partial<Content> = {}): Content => ({
    ...refreshContent(base, null, null),
    ...{ source: 'scraper', likes: 2, ...more },
    posted_at: hoursAgo === null ? null : new Date(NOW_MS - hoursAgo * 3_600_000).toISOString(),
  });
  const move = (known: Content | null | undefined, before: Content | null = null, video = base) =>
    trendingMoveOf(video, refreshContent(video, known, before), known, NOW_MS);

  test('moves by the counts of event and cache when the lakehouse does not answer', () => {
    expect(move(undefined, posted(48))).toMatchObject({ heat: 25, mayEnter: false });
    expect(move(undefined, posted(1))).toMatchObject({ heat: 25, mayEnter: true });
  });

  test('stays where it is when the lakehouse does not answer and one of its counts is not known', () => {
    expect(move(undefined)).toBeNull();
    expect(move(undefined, posted(1, { likes: null }))).toBeNull();
    expect(move(undefined, posted(1, { views: null }), { ...base, views: null, likes: 1 })).toBeNull();
  });

  test('has 0 for a count that the lakehouse does not have either', () => {
    expect(move(null)).toMatchObject({ heat: 5, mayEnter: true });
    expect(move(posted(1, { likes: null }))).toMatchObject({ heat: 5, mayEnter: true });
  });

  test('enters the list when it was posted in the last 24 h, or is new', () => {
    expect(move(posted(23))?.mayEnter).toBe(true);
    expect(move(posted(25))?.mayEnter).toBe(false);
    expect(move(posted(null))?.mayEnter).toBe(false);
    expect(move(null)?.mayEnter).toBe(true);
    expect(move(undefined, posted(null, { source: STREAM_ONLY }))?.mayEnter).toBe(false);
  });

  test('enters no list with an old event: the 24 h are those before now', () => {
    const old = { ...base, event_time_ms: NOW_MS - 48 * 3_600_000 };
    expect(move(posted(49), null, old)?.mayEnter).toBe(false);
    expect(move(null, null, old)?.mayEnter).toBe(false);
  });
});
