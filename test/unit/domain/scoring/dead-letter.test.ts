import { describe, expect, test } from 'vitest';
import {
  type DeadLetter,
  deadLetterRecord,
  matchesFilter,
  parseDeadLetter,
  replayedHeaders,
} from '../../../../domain/scoring/dead-letter.ts';
import type { Headers, ReadHeaders } from '../../../../domain/kafka-record.ts';
import { parseVideoEvent } from '../../../../domain/scoring/parse-video-event.ts';
import { logRecord } from '../../../support/log-record.ts';

const bytes = (text: string) => Buffer.from(text);
/** Header values are bytes. */
const asRead = (headers: Headers): ReadHeaders =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(toBytes) : toBytes(value),
    ]),
  );
const toBytes = (value: string | Buffer) => (typeof value === 'string' ? bytes(value) : value);

/** A dead letter as the scoring loop writes it and the CLI reads it. @param timestampMs of its record */
function letterOf(headers: ReadHeaders = {}, timestampMs = 0): DeadLetter {
  const record = logRecord(456, { key: bytes('ana'), value: bytes('{"broken'), headers, timestampMs });
  const letter = deadLetterRecord(
    { topic: 'kol.profiles.raw', partition: 3 },
    { record, reason: 'not_json', detail: 'Unterminated string' },
  );
  return parseDeadLetter(
    logRecord(12, { value: record.value, headers: asRead(letter.headers) }),
    'kol.profiles.raw.dlq',
    0,
  );
}

describe('a dead letter', () => {
  test('has the location of its record and the reason', () => {
    expect(letterOf()).toMatchObject({
      location: { topic: 'kol.profiles.raw.dlq', partition: 0, offset: 12 },
      original: { topic: 'kol.profiles.raw', partition: 3, offset: 456 },
      reason: 'not_json',
      message: 'Unterminated string',
      replayedFrom: null,
    });
  });

  test('has its value even when its record had the header for values that were left out', () => {
    expect(letterOf({ 'kol.left-out-bytes': bytes('7') }).leftOutBytes).toBeNull();
  });

  test('is still a dead letter when its error headers are missing or not valid', () => {
    const headers = { '__connect.errors.topic': bytes('t'), '__connect.errors.offset': bytes('-1') };
    const letter = parseDeadLetter(logRecord(1, { headers }), 't.dlq', 0);
    expect(letter).toMatchObject({ original: null, reason: null, message: null });
  });

  test('is replayed with the headers of its record and with its own location', () => {
    const binary = Buffer.from([0xff, 0, 0x80]);
    const headers = replayedHeaders(letterOf({ 'trace-id': bytes('abc'), binary }));
    expect(headers).toEqual({
      'trace-id': bytes('abc'),
      binary,
      'kol.received-at-ms': '0',
      'kol.replayed-from': 'kol.profiles.raw.dlq/0/12',
    });
  });

  // Without it, an old event without `event_time` would be the newest of its KOL after a replay.
  test('is replayed with the time at which Kafka first got its record, also after several replays', () => {
    const parse = ({ headers }: ReturnType<typeof letterOf>) =>
      parseVideoEvent(
        { value: bytes('{"video_id":"v","platform":"tiktok"}'), headers, timestampMs: 9000 },
        9999,
      );
    const once = letterOf({}, 7000);
    const again = letterOf(asRead(replayedHeaders(once)), 8000);
    for (const letter of [once, again]) {
      expect(replayedHeaders(letter)['kol.received-at-ms']).toBe('7000');
      expect(parse(letter)).toMatchObject({ value: { event_time_ms: 7000 } });
    }
  });

  test('keeps every value of a repeated header, also when it is replayed', () => {
    const binary = Buffer.from([0xff, 0, 0x80]);
    const letter = letterOf({ hop: [bytes('a'), binary, bytes('a')], once: bytes('b') });
    expect(letter.headers).toMatchObject({ hop: [bytes('a'), binary, bytes('a')], once: bytes('b') });
    expect(replayedHeaders(letter)).toMatchObject({
      hop: [bytes('a'), binary, bytes('a')],
      once: bytes('b'),
    });
  });

  test('keeps null header values as empty ones, in their order', () => {
    const letter = letterOf({ flag: null, hop: [null, bytes('a'), null] });
    expect(letter.headers).toMatchObject({ flag: bytes(''), hop: [bytes(''), bytes('a'), bytes('')] });
    // As other writers leave them.
    const foreign = { ...letter, headers: { flag: null } };
    expect(replayedHeaders(foreign)).toMatchObject({ flag: '' });
  });

  test('does not keep the error headers of an earlier dead letter', () => {
    const letter = letterOf({ '__connect.errors.exception.class.name': [bytes('a'), bytes('b')] });
    expect(letter.reason).toBe('not_json');
    expect(letter.headers['__connect.errors.exception.class.name']).toEqual(bytes('not_json'));
  });

  test('names only its latest location after several replays', () => {
    const letter = letterOf({ 'kol.replayed-from': bytes('kol.profiles.raw.dlq/0/2') });
    expect(letter.replayedFrom).toBe('kol.profiles.raw.dlq/0/2');
    expect(replayedHeaders(letter)).toMatchObject({ 'kol.replayed-from': 'kol.profiles.raw.dlq/0/12' });
  });
});

test('a dead letter matches when all conditions of the filter hold', () => {
  const headers = { '__connect.errors.exception.class.name': Buffer.from('not_json') };
  const record = logRecord(12, { headers, timestampMs: 1000 });
  const letter = parseDeadLetter(record, 'kol.profiles.raw.dlq', 0);
  expect(matchesFilter(letter, {})).toBe(true);
  expect(matchesFilter(letter, { reason: 'not_json', sinceMs: 1000 })).toBe(true);
  expect(matchesFilter(letter, { reason: 'not_json', sinceMs: 1001 })).toBe(false);
  expect(matchesFilter(letter, { reason: 'tombstone', sinceMs: 0 })).toBe(false);
});
