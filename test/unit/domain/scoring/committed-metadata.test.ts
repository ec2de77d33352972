import { describe, expect, test } from 'vitest';
import {
  parseCommittedMetadata,
  serializeCommittedMetadata,
} from '../../../../domain/scoring/committed-metadata.ts';
import { addCounts, NO_COUNTS } from '../../../../domain/scoring/range-report.ts';

const UNKNOWN = { worker: '', max_event_time_ms: null, range: null };

describe('metadata committed with an offset', () => {
  test('is parsed as it was serialized', () => {
    const counts = addCounts({ ...NO_COUNTS, records: 3, scored: 2 }, { ...NO_COUNTS, records: 1, late: 1 });
    expect(counts).toEqual({ ...NO_COUNTS, records: 4, scored: 2, late: 1 });
    const metadata = { worker: 'a/b', max_event_time_ms: 1, range: { from: 7, counts } };
    expect(parseCommittedMetadata(serializeCommittedMetadata(metadata))).toEqual(metadata);
  });

  test.each([null, '', 'by hand', 'null', '[]', '7'])('is unknown when its text is %j', (text) => {
    expect(parseCommittedMetadata(text)).toEqual(UNKNOWN);
  });

  test('keeps the valid fields when others are not valid', () => {
    expect(parseCommittedMetadata('{"worker":"a","max_event_time_ms":5}')).toEqual({
      ...UNKNOWN,
      worker: 'a',
      max_event_time_ms: 5,
    });
    expect(parseCommittedMetadata('{"worker":7,"range":{"from":1,"counts":{"records":1}}}')).toEqual(UNKNOWN);
  });

  test('stays far below the 4,096 bytes that Kafka accepts', () => {
    const max = Number.MAX_SAFE_INTEGER;
    const counts = addCounts(
      NO_COUNTS,
      Object.fromEntries(Object.keys(NO_COUNTS).map((name) => [name, max])) as never,
    );
    const worker = `${'h'.repeat(253)}/123e4567-e89b-12d3-a456-426614174000`;
    const text = serializeCommittedMetadata({ worker, max_event_time_ms: max, range: { from: max, counts } });
    expect(Buffer.byteLength(text)).toBeLessThan(1000);
  });
});
