import { describe, expect, test } from 'vitest';
import { parseCommittedMetadata, printCommittedMetadata } from '../../../../domain/scoring/committed-metadata.ts';
import { addCounts, NO_COUNTS } from '../../../../domain/scoring/range-report.ts';

const NOTHING = { worker: '', max_event_time_ms: null, range: null };

describe('what is committed beside an offset', () => {
  test('is read as it was written', () => {
    const counts = addCounts({ ...NO_COUNTS, records: 3, scored: 2 }, { ...NO_COUNTS, records: 1, late: 1 });
    expect(counts).toEqual({ ...NO_COUNTS, records: 4, scored: 2, late: 1 });
    const metadata = { worker: 'a/b', max_event_time_ms: 1, range: { from: 7, counts } };
    expect(parseCommittedMetadata(printCommittedMetadata(metadata))).toEqual(metadata);
  });

  test.each([null, '', 'by hand', 'null', '[]', '7'])('says nothing where it is %j', (text) => {
    expect(parseCommittedMetadata(text)).toEqual(NOTHING);
  });

  test('says as much as can be read of it', () => {
    expect(parseCommittedMetadata('{"worker":"a","max_event_time_ms":5}')).toEqual({
      ...NOTHING,
      worker: 'a',
      max_event_time_ms: 5,
    });
    expect(parseCommittedMetadata('{"worker":7,"range":{"from":1,"counts":{"records":1}}}')).toEqual(NOTHING);
  });

  test('fits into what Kafka keeps: 4,096 bytes', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const counts = addCounts(
      NO_COUNTS,
      Object.fromEntries(Object.keys(NO_COUNTS).map((name) => [name, most])) as never,
    );
    const worker = `${'h'.repeat(253)}/123e4567-e89b-12d3-a456-426614174000`;
    const text = printCommittedMetadata({ worker, max_event_time_ms: most, range: { from: most, counts } });
    expect(Buffer.byteLength(text)).toBeLessThan(1000);
  });
});
