import { describe, expect, test } from 'vitest';
import { isoTimeMs } from '../../../../domain/values/iso-time.ts';

// So that a test fails when the code uses the zone of the machine.
process.env['TZ'] = 'America/New_York';

const NOON = Date.UTC(2026, 0, 31, 12);

describe('parsing ISO 8601 text', () => {
  test.each([
    ['2026-01-31T12:00:00Z', NOON],
    ['2026-01-31T12:00Z', NOON],
    ['2026-01-31T14:00:00+02:00', NOON],
    ['2026-01-31T14:00:00+0200', NOON],
    ['2026-01-31T12:00:00.123456Z', NOON + 123],
    // As Python's isoformat() and str() write a time without a zone, and as Trino writes timestamps.
    ['2026-01-31T12:00:00.123456', NOON + 123],
    ['2026-01-31 12:00:00', NOON],
    ['2026-01-31 12:00:00.5 UTC', NOON + 500],
    [' 2026-01-31 ', NOON - 12 * 3_600_000],
  ])('%j is UTC unless it names a zone', (text, expected) => {
    expect(isoTimeMs(text)).toBe(expected);
  });

  test.each(['', 'yesterday', '5', '2026', '2026-13-01', '2026-01-31T25:00Z', 'Jan 31 2026', '31/01/2026'])(
    '%j is not a time',
    (text) => {
      expect(isoTimeMs(text)).toBeNaN();
    },
  );
});
