import { describe, expect, test } from 'vitest';
import { accountOf, parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
const parse = (value: unknown, timestampMs = NOW) =>
  parseProfileEvent(
    {
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
        negative_counts: [],
      },
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
    ['a platform that is a number', { platform: 7, username: 'a' }, 'invalid_field'],
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
    const outcome = parseProfileEvent({ value: Buffer.from([0xff, 0xfe]), timestampMs: NOW }, NOW);
    expect(outcome).toMatchObject({ kind: 'deadLetter', reason: 'not_utf8' });
  });
});

describe('the counts of a profile event', () => {
  test('a number wins over text', () => {
    expect(profile({ followers_count: 5, followers_raw: '11.3K' })).toMatchObject({
      value: { followers_count: 5 },
    });
  });

  test('an empty number field does not hide the text', () => {
    for (const followers_count of ['', ' ', null])
      expect(profile({ followers_count, followers_raw: '11.3K' })).toMatchObject({
        value: { followers_count: 11_300 },
      });
  });

  test('a missing count is unknown; an empty raw count is 0', () => {
    expect(profile({ posts_raw: '', likes_raw: null })).toMatchObject({
      value: { followers_count: null, post_count: 0, favorites_count: 0 },
    });
  });

  test('a number with the noise of a multiplication is the whole number', () => {
    expect(profile({ followers_count: 11.3 * 1000, followers_raw: null })).toMatchObject({
      value: { followers_count: 11_300 },
    });
    expect(profile({ followers_raw: 4.1 * 100 })).toMatchObject({ value: { followers_count: 410 } });
  });

  test.each([-1, '-1', '-1.2K', '\u22125'])('%j followers are an error', (count) => {
    expect(profile({ followers_count: count })).toMatchObject({ reason: 'invalid_count' });
    expect(profile({ followers_raw: count })).toMatchObject({ reason: 'invalid_count' });
  });

  test('other counts that are negative are unknown, and the event says which', () => {
    expect(
      profile({ followers_count: 7, following_count: -1, posts_raw: '-5', favorites_count: -0 }),
    ).toMatchObject({
      value: {
        followers_count: 7,
        following_count: null,
        post_count: null,
        favorites_count: 0,
        negative_counts: ['following_count', 'posts_raw'],
      },
    });
  });

  test.each([1.5, '1.234', 'NaN', '-abc', true, [], {}, -1.5])('%j of any count is an error', (count) => {
    for (const field of ['followers_count', 'following_count', 'posts_raw', 'likes_raw'])
      expect(profile({ [field]: count })).toMatchObject({ reason: 'invalid_count' });
  });
});

describe('the texts and flags of a profile event', () => {
  test.each([
    [{ bio: 'a', signature: 'b' }, 'a'],
    [{ bio: '', signature: 'b' }, 'b'],
    [{ bio: ' \u200b', signature: 'b' }, 'b'],
    [{ bio: null, signature: 'b' }, 'b'],
    [{ signature: '' }, ''],
    [{ bio: ' ', signature: null }, ''],
    [{}, null],
  ])('of %j the bio is %j: the first that says something', (fields, bio) => {
    expect(profile(fields)).toMatchObject({ value: { bio } });
  });

  test.each([
    ...[true, 'true', 'True', 'TRUE', ' true ', 1, '1'].map((flag) => [flag, true] as const),
    ...[false, 'false', 'False', 0, '0'].map((flag) => [flag, false] as const),
    ...[null, '', ' '].map((flag) => [flag, null] as const),
  ])('the flag %j is %j', (verified, expected) => {
    expect(profile({ verified })).toMatchObject({ value: { verified: expected } });
  });

  test.each(['yes', 2, 'None', [], {}])('%j is no flag', (verified) => {
    expect(profile({ verified })).toMatchObject({ reason: 'invalid_field' });
  });

  test('a number becomes text digit for digit', () => {
    expect(parse('{"username":"ana","nickname":7301234567890123456}')).toMatchObject({
      value: { nickname: '7301234567890123456' },
    });
  });

  test('a text that is stored has a limit', () => {
    for (const field of ['event_id', 'nickname', 'avatar_url', 'profile_url']) {
      expect(profile({ [field]: 'x'.repeat(65_536) })).toMatchObject({ kind: 'ok' });
      expect(profile({ [field]: 'x'.repeat(65_537) })).toMatchObject({ reason: 'invalid_field' });
    }
  });
});

describe('the account of a profile event', () => {
  const account = (fields: object) => {
    const outcome = profile(fields);
    if (outcome.kind !== 'ok') throw new Error(outcome.detail);
    return accountOf(outcome.value);
  };

  test('is the same for all spellings of a username and a platform', () => {
    const spellings = [
      { username: 'trần' },
      { username: '@trần' },
      { username: 'trần'.normalize('NFD') },
      { username: '\u200e @trần\u200b ' },
      { username: 'trần', platform: ' TikTok' },
    ];
    expect(new Set(spellings.map(account)).size).toBe(1);
  });

  test('differs by platform and by case', () => {
    const accounts = [
      { username: 'ana' },
      { username: 'Ana' },
      { username: 'ana', platform: 'twitter' },
      { username: 'ana', platform: null },
    ];
    expect(new Set(accounts.map(account)).size).toBe(accounts.length);
  });

  test.each([undefined, null, '', ' '])('a platform that is %j is unknown', (platform) => {
    expect(profile({ platform })).toMatchObject({ value: { platform: null } });
  });
});
