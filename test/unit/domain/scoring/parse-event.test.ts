import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProfileEvent } from '../../../../domain/scoring/parse-profile-event.ts';
import { parseVideoEvent } from '../../../../domain/scoring/parse-video-event.ts';
import { isId } from '../../../../domain/values/text-ids.ts';

const NOW = Date.parse('2026-01-02T03:04:05.000Z');
const PARSERS = [parseProfileEvent, parseVideoEvent] as const;
const parseAll = (bytes: Uint8Array | null) => {
  const value = bytes && Buffer.from(bytes);
  return PARSERS.map((parse) => parse({ value, timestampMs: NOW }, NOW));
};

const FIELDS = [
  ...[
    'event_id',
    'event_time',
    'event_type',
    'platform',
    'username',
    'nickname',
    'verified',
    'bio',
    'signature',
  ],
  ...[
    'avatar_url',
    'profile_url',
    'followers_count',
    'followers_raw',
    'following_raw',
    'likes_raw',
    'posts_raw',
  ],
  ...['video_id', 'caption', 'view_count', 'view_raw', 'like_count_raw', 'comment_count', 'share_raw', 'x'],
];
const COUNTS = [
  ...['followers_count', 'following_count', 'post_count', 'favorites_count'],
  ...['views', 'likes', 'comments', 'shares'],
];
const VALID = { platform: 'tiktok', username: 'ana', video_id: 'v' };

function expectValid(value: Uint8Array | null): void {
  for (const outcome of parseAll(value)) {
    if (outcome.kind === 'deadLetter') {
      expect(outcome.detail).not.toBe('');
      expect(outcome.detail.length).toBeLessThan(400);
      continue;
    }
    const event = outcome.value as unknown as Readonly<Record<string, unknown>>;
    for (const name of COUNTS) {
      const count = event[name] ?? 0;
      expect(Number.isSafeInteger(count) && Number(count) >= 0 && !Object.is(count, -0)).toBe(true);
    }
    for (const id of [event['kol_id'], event['content_id']])
      expect(id == null || (typeof id === 'string' && isId(id))).toBe(true);
    expect(Number.isSafeInteger(event['event_time_ms'])).toBe(true);
    expect(event['event_time_ms']).toBeLessThanOrEqual(NOW + 300_000);
  }
}

describe('any record becomes a valid event or a dead letter', () => {
  const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
  const text = fc.string({ unit: fc.constantFrom(...'0123456789.,-+KMBNTr万@ :TZ\u200b\u00a0') });
  const fields = fc.dictionary(
    fc.constantFrom(...FIELDS),
    fc.oneof(json, text, fc.double(), fc.maxSafeInteger()),
  );

  test('whatever its fields hold', () => {
    fc.assert(
      fc.property(fields, fc.boolean(), (given, complete) => {
        expectValid(Buffer.from(JSON.stringify(complete ? { ...VALID, ...given } : given)));
      }),
      { numRuns: 1000 },
    );
  });

  test('whatever its bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string({ unit: fc.constantFrom(...'{}[]":,\\ue0-1.5ntf ') }).map((part) => Buffer.from(part)),
        ),
        expectValid,
      ),
    );
    expectValid(null);
  });

  test('however deep and however long its fields are', () => {
    const pairs = fc.constantFrom(['[', ']'], ['{"a":', '}'], ['[[],', ']'], ['[{"a":', '}]']);
    fc.assert(
      fc.property(
        fc.constantFrom(...FIELDS),
        fc.integer({ min: 1, max: 20_000 }),
        pairs,
        (field, depth, [open = '', close = '']) => {
          const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
          const { [field]: _replaced, ...others } = { ...VALID } as Record<string, string>;
          const record = `{"${field}":${nested},${JSON.stringify(others).slice(1)}`;
          expect(() => void JSON.parse(record)).not.toThrow();
          expectValid(Buffer.from(record));
        },
      ),
      { numRuns: 50 },
    );
    for (const field of FIELDS)
      for (const value of ['x', ' ', '9', '[', '\u0301'].map((unit) => unit.repeat(2e5)))
        expectValid(Buffer.from(JSON.stringify({ ...VALID, [field]: value })));
  });
});

describe('the size of a record', () => {
  const profile = (json: string) => parseAll(Buffer.from(json))[0];
  const nested = (depth: number) => `{"username":"ana","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

  test('may nest 64 levels deep, even in fields that nobody reads', () => {
    expect(profile(nested(64))).toMatchObject({ kind: 'ok' });
    expect(profile(nested(65))).toMatchObject({ kind: 'deadLetter', reason: 'too_deep' });
    expect(profile(nested(6000))).toMatchObject({ kind: 'deadLetter', reason: 'too_deep' });
  });

  test('brackets in texts nest nothing', () => {
    expect(profile(JSON.stringify({ username: 'ana', bio: '['.repeat(1000) }))).toMatchObject({ kind: 'ok' });
  });

  test('a list is no object, however deep', () => {
    expect(profile(`${'['.repeat(20_000)}${']'.repeat(20_000)}`)).toMatchObject({ reason: 'not_an_object' });
  });

  test('may have 32 MiB', () => {
    const record = Buffer.alloc(32 * 1024 * 1024 + 1, ' ');
    record.write('{"username":"ana"}');
    expect(parseAll(record)[0]).toMatchObject({ kind: 'deadLetter', reason: 'too_large' });
    expect(parseAll(record.subarray(1024))[0]).toMatchObject({ reason: 'not_json' });
    expect(parseAll(record.subarray(0, 32 * 1024 * 1024))[0]).toMatchObject({ kind: 'ok' });
  });
});
