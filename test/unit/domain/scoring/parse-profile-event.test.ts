import { describe, expect, test } from 'vitest';
import { parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
const parse = (value: unknown, timestampMs = NOW) =>
  parseProfileEvent(
    {
      key: null,
      value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
      timestampMs,
    },
    NOW,
  );
const profile = (fields: object, timestampMs = NOW) =>
  parse({ platform: 'tiktok', username: 'ana', ...fields }, timestampMs);

describe('parsing a profile event', () => {
  test('reads all fields and ignores unknown ones', () => {
    expect(
      profile({
        event_id: 'e1',
        event_time: '2026-01-02T03:00:00Z',
        event_type: 'profile',
        followers_raw: '11.3K',
        following_raw: '1,234',
        likes_raw: '1.3M',
        posts_raw: ' 999 ',
        verified: true,
        signature: 'hi 👋',
        avatar_url: 'a',
        profile_url: 'p',
        shoe_size: 43,
      }),
    ).toEqual({
      kind: 'ok',
      value: {
        event_id: 'e1',
        event_time_ms: Date.parse('2026-01-02T03:00:00Z'),
        platform: 'tiktok',
        kol_id: 'ana',
        nickname: null,
        followers_count: 11_300,
        following_count: 1234,
        post_count: 999,
        favorites_count: 1_300_000,
        verified: true,
        bio: 'hi 👋',
        avatar_url: 'a',
        profile_url: 'p',
      },
    });
  });

  test('a number wins over human-readable text', () => {
    expect(profile({ followers_count: 5, followers_raw: '11.3K' })).toMatchObject({
      value: { followers_count: 5 },
    });
  });

  test('a missing count is unknown; an empty raw count is 0', () => {
    expect(profile({ posts_raw: '', likes_raw: null })).toMatchObject({
      value: { followers_count: null, post_count: 0, favorites_count: 0 },
    });
  });

  test('an event without a time happened when Kafka received it', () => {
    expect(profile({}, NOW - 1000)).toMatchObject({ value: { event_time_ms: NOW - 1000 } });
    expect(profile({}, -1)).toMatchObject({ value: { event_time_ms: NOW } });
  });

  test.each([
    ['2026-01-02T04:04:05+01:00', NOW],
    ['2026-01-02T03:04:05.000000', NOW],
    [NOW, NOW],
    [NOW / 1000, NOW],
  ])('event time %j is UTC unless it names a zone', (event_time, expected) => {
    expect(profile({ event_time })).toMatchObject({ value: { event_time_ms: expected } });
  });

  // One event from the future would move the watermark ahead, and all other events would be late.
  test('an event time is never after now, even when the clock of the producer is ahead', () => {
    const HOUR = 3_600_000;
    expect(profile({}, NOW + HOUR)).toMatchObject({ value: { event_time_ms: NOW } });
    expect(profile({ event_time: NOW + HOUR }, NOW + HOUR)).toMatchObject({ reason: 'event_time_in_future' });
    expect(profile({ event_time: NOW + 299_000 }, NOW + HOUR)).toMatchObject({
      value: { event_time_ms: NOW + 299_000 },
    });
  });

  test.each([
    ['a tombstone', null, 'tombstone'],
    ['broken JSON', '{"a":', 'not_json'],
    ['an array', [1], 'not_an_object'],
    ['another type', { platform: 'tiktok', username: 'a', event_type: 'video' }, 'wrong_event_type'],
    ['no username', { platform: 'tiktok' }, 'missing_id'],
    ['a blank username', { platform: 'tiktok', username: '  ' }, 'missing_id'],
    ['a username that is an object', { platform: 'tiktok', username: {} }, 'invalid_id'],
    ['a username with a line feed', { platform: 'tiktok', username: 'a\nb' }, 'invalid_id'],
    ['a platform that is not valid in a key', { platform: 'tik:tok', username: 'a' }, 'invalid_field'],
    ['a negative count', { platform: 'tiktok', username: 'a', followers_count: -5 }, 'invalid_count'],
    ['a broken count', { platform: 'tiktok', username: 'a', followers_raw: '1.2.3K' }, 'invalid_count'],
    ['an absurd count', { platform: 'tiktok', username: 'a', followers_count: 1e300 }, 'invalid_count'],
    ['a broken time', { platform: 'tiktok', username: 'a', event_time: 'yesterday' }, 'invalid_event_time'],
    [
      'a time in the future',
      { platform: 'tiktok', username: 'a', event_time: '2099-01-01T00:00:00Z' },
      'event_time_in_future',
    ],
  ])('%s is a dead letter', (_name, value, reason) => {
    expect(parse(value)).toMatchObject({ kind: 'deadLetter', reason });
  });

  test('bytes that are not UTF-8 are a dead letter', () => {
    const outcome = parseProfileEvent({ key: null, value: Buffer.from([0xff, 0xfe]), timestampMs: NOW }, NOW);
    expect(outcome).toMatchObject({ kind: 'deadLetter', reason: 'not_utf8' });
  });
});
