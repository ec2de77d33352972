import { describe, expect, test } from 'vitest';
import {
  addTotals,
  NO_TOTALS,
  parseCommittedMetadata,
  serializeCommittedMetadata,
} from '../../../../domain/scoring/committed-metadata.ts';

const identity = { clusterId: '4L6g3nShT-eMCtK--X86sw', topicId: '3fa85f64-5717-4562-b3fc-2c963f66afa6' };
const metadata = { worker: 'a/b', identity, newestEventMs: 1, totals: NO_TOTALS, started: null };

describe('metadata committed with an offset', () => {
  test('is parsed as it was serialized', () => {
    const totals = addTotals({ ...NO_TOTALS, records: 3, scored: 2 }, { records: 1, late: 1 });
    expect(totals).toEqual({ ...NO_TOTALS, records: 4, scored: 2, late: 1 });
    for (const one of [
      { ...metadata, totals },
      { ...metadata, started: { partitions: 6, atMs: 1 }, newestEventMs: null },
    ])
      expect(parseCommittedMetadata(serializeCommittedMetadata(one))).toEqual(one);
  });

  test.each([null, '', 'by hand', 'null', '[]', '7', '{"worker":"a"}', '{"worker":7,"cluster_id":"c"}'])(
    'of another client is unknown: %j',
    (text) => {
      expect(parseCommittedMetadata(text)).toBeNull();
    },
  );

  test('keeps the valid fields when others are not valid', () => {
    const { totals: _, ...rest } = JSON.parse(serializeCommittedMetadata(metadata)) as Record<
      string,
      unknown
    >;
    expect(parseCommittedMetadata(JSON.stringify({ ...rest, totals: { records: 1 } }))).toEqual(metadata);
  });

  test('of a start without its time, as an older version wrote it, does not say when the topic was started', () => {
    const text = JSON.stringify({ ...JSON.parse(serializeCommittedMetadata(metadata)), started_with: 6 });
    expect(parseCommittedMetadata(text)).toEqual(metadata);
  });

  test('stays far below the 4,096 bytes that Kafka accepts', () => {
    const max = Number.MAX_SAFE_INTEGER;
    const totals = addTotals(
      NO_TOTALS,
      Object.fromEntries(Object.keys(NO_TOTALS).map((name) => [name, max])),
    );
    const worker = `${'h'.repeat(253)}/123e4567-e89b-12d3-a456-426614174000`;
    const text = serializeCommittedMetadata({
      worker,
      identity,
      newestEventMs: max,
      totals,
      started: { partitions: max, atMs: max },
    });
    expect(Buffer.byteLength(text)).toBeLessThan(1000);
  });
});
