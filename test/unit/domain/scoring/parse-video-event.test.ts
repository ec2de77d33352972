import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseVideoEvent } from '../../../../domain/scoring/parse-video-event.ts';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
const parse = (json: string) => parseVideoEvent({ value: Buffer.from(json), timestampMs: NOW }, NOW);
const video = (fields: object) => parse(JSON.stringify({ platform: 'tiktok', video_id: 'v', ...fields }));
const withId = (source: string) => parse(`{"platform":"tiktok","video_id":${source}}`);

describe('the id of a video', () => {
  test('that is a JSON number is never rounded', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (id) => {
        expect(withId(String(id))).toMatchObject({ value: { content_id: String(id) } });
      }),
    );
    expect(withId('7301234567890123456')).toMatchObject({ value: { content_id: '7301234567890123456' } });
    expect(withId('7301234567890123457')).toMatchObject({ value: { content_id: '7301234567890123457' } });
  });

  test.each(['1e21', '7.301234567890124e+18', '12.0', '-1', '-0', 'true', '[]', '{}', '9'.repeat(257)])(
    '%s is no id',
    (source) => {
      expect(withId(source)).toMatchObject({ kind: 'deadLetter', reason: 'invalid_id' });
    },
  );

  test.each(['null', '""', '" "', '"\u200b"'])('%s is missing', (source) => {
    expect(withId(source)).toMatchObject({ reason: 'missing_id' });
  });

  test('keeps "@", unlike a username', () => {
    expect(video({ video_id: '@v', username: '@ana' })).toMatchObject({
      value: { content_id: '@v', kol_id: 'ana' },
    });
  });
});

describe('the username of a video event', () => {
  test.each([
    [' bob ', 'bob'],
    ['@bob', 'bob'],
    ['\u200fbob', 'bob'],
    ['', null],
    [' ', null],
    ['@', null],
    [null, null],
  ])('%j is the KOL %j, as in a profile event', (username, kol_id) => {
    expect(video({ username })).toMatchObject({ value: { kol_id } });
  });

  test.each(['x'.repeat(257), 'x'.repeat(500_000) + '\u0000', 'a\u0000b', 'a\ud800', {}, [], true])(
    'is checked like any id',
    (username) => {
      expect(video({ username })).toMatchObject({ kind: 'deadLetter', reason: 'invalid_id' });
    },
  );
});

describe('the other fields of a video event', () => {
  test('a count is the first that says something', () => {
    expect(video({ view_count: null, view_count_raw: '', view_raw: '1.2万' })).toMatchObject({
      value: { views: 12_000 },
    });
    expect(video({ view_count_raw: null, like_count: 3, like_raw: '5' })).toMatchObject({
      value: { views: 0, likes: 3, comments: null },
    });
  });

  test('a negative count is unknown', () => {
    expect(video({ view_count: -1, like_count_raw: '-1' })).toMatchObject({
      value: { views: null, likes: null },
    });
  });

  test('needs a platform', () => {
    for (const platform of [null, '', 7])
      expect(video({ platform })).toMatchObject({ reason: 'invalid_field' });
  });

  test('a caption has a limit, because it is stored', () => {
    expect(video({ caption: 'x'.repeat(65_536) })).toMatchObject({ kind: 'ok' });
    expect(video({ caption: 'x'.repeat(65_537) })).toMatchObject({ reason: 'invalid_field' });
  });
});
