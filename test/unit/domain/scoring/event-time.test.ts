import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { eventTimeMs } from '../../../../domain/scoring/event-fields.ts';
import { receivedTimes } from '../../../../domain/scoring/parse-event.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const HOUR = 3_600_000;
const timeOf = (event_time: unknown, receivedMs = NOW) =>
  eventTimeMs({ fields: { event_time }, json: '' }, { firstMs: receivedMs, lastMs: receivedMs });

describe('the time of an event', () => {
  test('is when Kafka received it, if the event does not say it', () => {
    for (const missing of [undefined, null, '', ' \u200b']) expect(timeOf(missing, NOW - 5)).toBe(NOW - 5);
  });

  test.each([
    ['2026-01-02T04:04:05.678+01:00', NOW],
    ['2026-01-02T03:04:05.678901', NOW],
    ['2026-01-02 10:04:05.678+07', NOW],
    ['20260102T030405.678Z', NOW],
    ['20260102', NOW - (NOW % (24 * HOUR))],
  ])('%j is ISO 8601, in UTC unless it names a zone', (event_time, expected) => {
    expect(timeOf(event_time)).toBe(expected);
  });

  test('is the same as seconds and milliseconds, as number and text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e11, max: NOW }), (ms) => {
        const forms = [
          ms,
          ms / 1000,
          String(ms),
          String(ms / 1000),
          ` ${ms}.0 `,
          `${(ms / 1000).toFixed(6)}`,
        ];
        expect(forms.map((form) => [form, timeOf(form)])).toEqual(forms.map((form) => [form, ms]));
      }),
    );
  });

  test.each(['yesterday', '2026-02-30T00:00:00Z', 'NaN', 'NaT', '1e9', '-5', '+5', -5, true, [], {}])(
    '%j is no time',
    (event_time) => {
      expect(() => timeOf(event_time)).toThrow(expect.objectContaining({ reason: 'invalid_event_time' }));
    },
  );

  // One event from the future would move the watermark ahead, and all other events would be late.
  test('is at most 5 minutes after Kafka received it', () => {
    expect(timeOf(NOW + 300_000)).toBe(NOW + 300_000);
    for (const future of [NOW + 300_001, '2099-01-01', 1e300, '9'.repeat(300), '202601020304050'])
      expect(() => timeOf(future)).toThrow(expect.objectContaining({ reason: 'event_time_in_future' }));
  });
});

test('a record was never received later than now, even when the clock of its producer is ahead', () => {
  for (const [timestampMs, received] of [
    [NOW + HOUR, NOW],
    [NOW - HOUR, NOW - HOUR],
    [-1, NOW],
  ] as const)
    expect(receivedTimes({ timestampMs }, NOW)).toEqual({ firstMs: received, lastMs: received });
});
