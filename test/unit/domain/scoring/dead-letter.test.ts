import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable, printableJson } from '../../../../cli/printable.ts';
import {
  InvalidFilterError,
  matches,
  parseDeadLetter,
  parseOffsets,
  parseSince,
  replayedHeaders,
  type DeadLetter,
} from '../../../../domain/scoring/dead-letter.ts';
import { deadLetterRecord } from '../../../../domain/scoring/output-records.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const asRead = (value: unknown) => (typeof value === 'string' ? bytes(value) : value);

/** A letter as the scoring loop writes it and Kafka gives it back: header values are bytes. */
function letterOf(headers: Record<string, unknown> = {}): DeadLetter {
  const original = { key: bytes('ana'), value: bytes('{"broken'), headers };
  const record = deadLetterRecord({ topic: 'kol.profiles.raw', partition: 3 }, original, {
    offset: 456,
    reason: 'not_json',
    detail: 'Unterminated string',
  });
  const written = Object.entries(record.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(asRead) : asRead(value),
  ]);
  return parseDeadLetter(
    {
      ...original,
      offset: 12,
      headers: Object.fromEntries(written) as DeadLetter['headers'],
      timestampMs: 1000,
    },
    'kol.profiles.raw.dlq',
    0,
  );
}

describe('a dead letter', () => {
  test('tells where its record was, and why it is here', () => {
    expect(letterOf()).toMatchObject({
      place: { topic: 'kol.profiles.raw.dlq', partition: 0, offset: 12 },
      original: { topic: 'kol.profiles.raw', partition: 3, offset: 456 },
      reason: 'not_json',
      message: 'Unterminated string',
      replayedFrom: null,
    });
  });

  test('has its value, though its record brought the header that says it was left out', () => {
    expect(letterOf({ 'kol.left-out-bytes': bytes('7') }).leftOutBytes).toBeNull();
  });

  test('without such headers tells nothing, and is one all the same', () => {
    const headers = { '__connect.errors.topic': bytes('t'), '__connect.errors.offset': bytes('-1') };
    const letter = parseDeadLetter(
      { offset: 1, key: null, value: null, headers, timestampMs: 0 },
      't.dlq',
      0,
    );
    expect(letter).toMatchObject({ original: null, reason: null, message: null });
  });

  test('goes back with the headers that its record had, and with its own place', () => {
    const binary = new Uint8Array([0xff, 0, 0x80]);
    const headers = replayedHeaders(letterOf({ 'trace-id': bytes('abc'), binary }));
    expect(headers).toEqual({
      'trace-id': bytes('abc'),
      binary,
      'kol.replayed-from': 'kol.profiles.raw.dlq/0/12',
    });
  });

  test('has every value of a repeated header, and goes back with it', () => {
    const binary = new Uint8Array([0xff, 0, 0x80]);
    const letter = letterOf({ hop: [bytes('a'), binary, bytes('a')], once: bytes('b') });
    expect(letter.headers).toMatchObject({ hop: [bytes('a'), binary, bytes('a')], once: bytes('b') });
    expect(replayedHeaders(letter)).toMatchObject({
      hop: [bytes('a'), binary, bytes('a')],
      once: bytes('b'),
    });
  });

  test('has headers without a value as empty ones, in their places', () => {
    const letter = letterOf({ flag: null, hop: [null, bytes('a'), null] });
    expect(letter.headers).toMatchObject({ flag: bytes(''), hop: [bytes(''), bytes('a'), bytes('')] });
    // As a writer that is not this one leaves them.
    const foreign = { ...letter, headers: { flag: null } };
    expect(replayedHeaders(foreign)).toMatchObject({ flag: '' });
  });

  test('has just the bytes of headers for whose names kafkajs finds something in every object', () => {
    const { headers } = letterOf({ constructor: [Object, bytes('a')] });
    expect(headers['constructor']).toEqual([bytes('a')]);
  });

  test('does not keep the reasons of an earlier letter', () => {
    const letter = letterOf({ '__connect.errors.exception.class.name': [bytes('a'), bytes('b')] });
    expect(letter.reason).toBe('not_json');
    expect(letter.headers['__connect.errors.exception.class.name']).toEqual(bytes('not_json'));
  });

  test('that came back once more names its latest place only', () => {
    const letter = letterOf({ 'kol.replayed-from': bytes('kol.profiles.raw.dlq/0/2') });
    expect(letter.replayedFrom).toBe('kol.profiles.raw.dlq/0/2');
    expect(replayedHeaders(letter)).toEqual({ 'kol.replayed-from': 'kol.profiles.raw.dlq/0/12' });
  });
});

describe('a filter', () => {
  test('wants all its conditions', () => {
    const letter = letterOf();
    expect(matches(letter, {})).toBe(true);
    expect(matches(letter, { reason: 'not_json', sinceMs: 1000 })).toBe(true);
    expect(matches(letter, { reason: 'not_json', sinceMs: 1001 })).toBe(false);
    expect(matches(letter, { reason: 'tombstone', sinceMs: 0 })).toBe(false);
  });

  test('by places takes each once, in their order', () => {
    expect(parseOffsets('0:15, 0:12,1:3,0:12')).toEqual([
      { partition: 0, offset: 12 },
      { partition: 0, offset: 15 },
      { partition: 1, offset: 3 },
    ]);
  });

  test.each(['', '12', '0:12,', '0:-1', 'a:1', '0:1:2', '0:99999999999999999999', '0:1;2'])(
    'by places does not take %j',
    (text) => {
      expect(() => parseOffsets(text)).toThrow(InvalidFilterError);
    },
  );

  const NOW = Date.parse('2026-03-01T12:00:00Z');
  test.each([
    ['90s', NOW - 90_000],
    ['30m', NOW - 1_800_000],
    ['1h', NOW - 3_600_000],
    ['7d', NOW - 604_800_000],
    ['2026-02-28', Date.parse('2026-02-28T00:00:00Z')],
    ['2026-02-28T10:30', Date.parse('2026-02-28T10:30:00Z')],
    ['2026-02-28T10:30:00.5Z', Date.parse('2026-02-28T10:30:00.500Z')],
    ['2026-02-28T10:30:00+02:00', Date.parse('2026-02-28T08:30:00Z')],
  ])('by time takes %j', (text, expected) => {
    expect(parseSince(text, NOW)).toBe(expected);
  });

  test.each(['', 'yesterday', '1', '1w', '-1h', '2026', '2026-13-01', '1.5h', '2026-02-28 10:30'])(
    'by time does not take %j',
    (text) => {
      expect(() => parseSince(text, NOW)).toThrow(InvalidFilterError);
    },
  );
});

describe('foreign bytes on a terminal', () => {
  test('are shown, shortened, with nothing in them that a terminal acts upon', () => {
    expect(printable(bytes('{"bio":"½ ☂ 😀"}'), 40)).toBe('{"bio":"½ ☂ 😀"}');
    expect(printable('\u001b[31mred\r\n\u202e', 40)).toBe('\\u{1b}[31mred\\u{d}\\u{a}\\u{202e}');
    expect(printable(new Uint8Array([0xff, 0x41, 0x9b]), 40)).toBe('�A�');
    expect(printable('😀'.repeat(10), 3)).toBe('😀😀😀…');
    expect(printable(null, 40)).toBe('(null)');
  });

  const ACTED_UPON = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

  test('whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(100), (foreign, length) => {
        expect(printable(foreign, length)).not.toMatch(ACTED_UPON);
      }),
    );
  });

  test('in JSON read back as they were', () => {
    fc.assert(
      fc.property(fc.uint16Array({ maxLength: 300 }), (units) => {
        const text = String.fromCharCode(...units);
        const json = printableJson({ text });
        expect(json.replaceAll('\n', '')).not.toMatch(ACTED_UPON);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});
