import { describe, expect, test } from 'vitest';
import {
  type DeadLetter,
  deadLetterRecord,
  parseDeadLetter,
  replayedHeaders,
} from '../../../../domain/scoring/dead-letter.ts';
import type { ReadHeaders } from '../../../../domain/kafka-record.ts';
import { logRecord } from '../../../support/log-record.ts';

const bytes = (text: string) => Buffer.from(text);
const asReadFromKafka = (value: unknown) => (typeof value === 'string' ? bytes(value) : value);

/** A dead letter as the scoring loop writes it and the CLI reads it: header values are bytes. */
function letterOf(headers: ReadHeaders = {}): DeadLetter {
  const record = logRecord(456, { key: bytes('ana'), value: bytes('{"broken'), headers });
  const letter = deadLetterRecord(
    { topic: 'kol.profiles.raw', partition: 3 },
    { record, reason: 'not_json', detail: 'Unterminated string' },
  );
  const written = Object.entries(letter.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(asReadFromKafka) : asReadFromKafka(value),
  ]);
  return parseDeadLetter(
    logRecord(12, { value: record.value, headers: Object.fromEntries(written) as ReadHeaders }),
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
      'kol.replayed-from': 'kol.profiles.raw.dlq/0/12',
    });
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
    expect(replayedHeaders(letter)).toEqual({ 'kol.replayed-from': 'kol.profiles.raw.dlq/0/12' });
  });
});
