import { describe, expect, it } from 'vitest';
import { parseCount } from '../../../../domain/scoring/parse-count.ts';
import { parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';
import { profileEvent, videoEvent, type ScrapedEvent } from '../../../../simulators/producer/events.ts';
import { malformed } from '../../../../simulators/producer/malformed.ts';
import { nextMessage } from '../../../../simulators/producer/next-message.ts';
import { seededRandom } from '../../../../simulators/producer/random.ts';
import { rawCount } from '../../../../simulators/producer/raw-count.ts';
import type { ProfileSubject, VideoSubject } from '../../../../simulators/producer/subjects.ts';
import { syntheticSubjects } from '../../../../simulators/producer/synthetic-subjects.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const kol: ProfileSubject = {
  kolId: '1100280727341941761',
  platform: 'tiktok',
  displayName: '佐藤"さくら"',
  bio: 'line one\nline two, 🍜',
  followers: 1_234_567,
  following: 999,
  posts: 1_234,
  verified: true,
};
const video: VideoSubject = {
  videoId: '-XkQ0a_9bZc',
  platform: 'youtube',
  kolId: 'UC0DeyiBNFIIF_h9pssT2C7w',
  title: 'まとめ',
  views: 44_737_786,
  likes: 1_152_396,
  comments: 0,
  shares: 0,
};
const generate = <T>(create: (random: () => number) => T, count = 2_000): T[] => {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => create(random));
};
const parse = (value: string) => parseProfileEvent({ value: Buffer.from(value), timestampMs: NOW }, NOW);
const has = (field: string) => (event: ScrapedEvent) => event[field] !== undefined && event[field] !== null;

describe('profile events', () => {
  it('are equal for the same seed, time and subject, and differ for another seed', () => {
    const create = (seed: number) => profileEvent(seededRandom(seed), NOW, kol);
    expect(create(1)).toEqual(create(1));
    expect(create(1)).not.toEqual(create(2));
  });

  it('are all parsed by the scoring loop, with the right KOL', () => {
    for (const platform of ['tiktok', 'twitter'])
      for (const event of generate((random) => profileEvent(random, NOW, { ...kol, platform }))) {
        const outcome = parse(JSON.stringify(event));
        expect(outcome).toMatchObject({ kind: 'ok', value: { kol_id: kol.kolId, platform } });
        // A count that is present is close to the real one; counts as text are truncated to two or more digits.
        const followers = outcome.kind === 'ok' ? (outcome.value.followers_count ?? 0) : NaN;
        if (followers !== 0) expect(Math.abs(followers / kol.followers - 1)).toBeLessThan(0.06);
      }
  });

  it('have counts as text or as numbers, and some missing and some null fields', () => {
    const events = generate((random) => profileEvent(random, NOW, kol));
    const share = (is: (event: ScrapedEvent) => boolean) => events.filter(is).length / events.length;
    expect(share(has('followers_raw'))).toBeGreaterThan(0.7);
    expect(share(has('followers_count'))).toBeGreaterThan(0.1);
    expect(share((event) => !('nickname' in event))).toBeGreaterThan(0.02);
    expect(share((event) => event['nickname'] === null)).toBeGreaterThan(0.02);
  });

  it('happen before they are sent, a few of them more than five minutes before', () => {
    const delays = generate((random) => {
      const time = profileEvent(random, NOW, kol)['event_time'];
      return NOW - Date.parse(String(time));
    }, 20_000);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    const late = delays.filter((delay) => delay > 300_000).length / delays.length;
    expect(late).toBeGreaterThan(0.001);
    expect(late).toBeLessThan(0.01);
  });

  it('have unique ids', () => {
    const ids = generate((random) => profileEvent(random, NOW, kol)['event_id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('video events', () => {
  it('have the id of the video and its counts', () => {
    for (const event of generate((random) => videoEvent(random, NOW, video))) {
      expect(event).toMatchObject({ event_type: 'video', platform: 'youtube', video_id: video.videoId });
      for (const field of ['view_count', 'like_count', 'comment_count', 'share_count'])
        if (has(field)(event)) expect(Number.isSafeInteger(event[field])).toBe(true);
      for (const field of ['view_raw', 'like_raw', 'comment_raw', 'share_raw'])
        if (has(field)(event)) expect(parseCount(String(event[field]))).not.toBeNull();
    }
  });

  it('are equal for the same seed', () => {
    expect(videoEvent(seededRandom(3), NOW, video)).toEqual(videoEvent(seededRandom(3), NOW, video));
  });
});

describe('malformed events', () => {
  it('all become dead letters, with every reason', () => {
    const reasons = generate((random) => {
      const outcome = parse(malformed(random, profileEvent(random, NOW, kol)));
      return outcome.kind === 'deadLetter' ? outcome.reason : 'ok';
    });
    expect([...new Set(reasons)].sort()).toEqual(
      [
        'invalid_count',
        'invalid_event_time',
        'invalid_field',
        'missing_id',
        'not_an_object',
        'not_json',
        'wrong_event_type',
      ].sort(),
    );
  });
});

describe('raw counts', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_234, '1,234'],
    [11_300, '11.3K'],
    [12_000, '12K'],
    [999_950, '999.9K'],
    [1_300_000, '1.3M'],
    [2_100_000_000, '2.1B'],
  ])('formats %d as %s', (value, text) => {
    expect(rawCount(() => 0.5, value)).toBe(text);
  });
});

describe('the event stream', () => {
  const random = seededRandom(11);
  const subjects = syntheticSubjects(random);
  const messages = Array.from({ length: 5_000 }, () => nextMessage(random, NOW, subjects, 0.01));
  const profiles = messages.filter(({ topic }) => topic === 'kol.profiles.raw');

  it('has four profiles per video', () => {
    expect(profiles.length / messages.length).toBeCloseTo(0.8, 1);
    expect(messages.length - profiles.length).toBe(
      messages.filter(({ topic }) => topic === 'kol.videos.raw').length,
    );
  });

  it('has the KOL as its key, and some KOLs far more often than others', () => {
    const visits = new Map<string, number>();
    for (const { key } of profiles) visits.set(key, (visits.get(key) ?? 0) + 1);
    expect(visits.get('kol_0') ?? 0).toBeGreaterThan(profiles.length / 40);
    expect(visits.size).toBeGreaterThan(500);
    for (const { key, value } of profiles) {
      const outcome = parse(value);
      if (outcome.kind === 'ok') expect(outcome.value.kol_id).toBe(key);
    }
  });

  it('has the requested share of malformed events', () => {
    const bad = profiles.filter(({ value }) => parse(value).kind === 'deadLetter').length / profiles.length;
    expect(bad).toBeGreaterThan(0.003);
    expect(bad).toBeLessThan(0.02);
    const none = Array.from({ length: 2_000 }, () => nextMessage(random, NOW, subjects, 0));
    expect(none.every(({ topic, value }) => topic === 'kol.videos.raw' || parse(value).kind === 'ok')).toBe(
      true,
    );
  });
});
