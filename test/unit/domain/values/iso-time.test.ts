import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isoTimeMs } from '../../../../domain/values/iso-time.ts';

// So that a test fails when the code uses the zone of the machine.
process.env['TZ'] = 'America/New_York';

const NOON = Date.UTC(2026, 0, 31, 12);

describe('parsing ISO 8601 text', () => {
  test.each([
    ['2026-01-31T12:00:00Z', NOON],
    ['2026-01-31T12:00Z', NOON],
    ['2026-01-31t12:00:00z', NOON],
    ['2026-01-31T14:00:00+02:00', NOON],
    ['2026-01-31T14:00:00+0200', NOON],
    ['2026-01-31T19:00:00+07', NOON],
    ['2026-01-31T08:30:00-03:30', NOON],
    ['2026-01-31T05:00:00\u221207:00', NOON],
    ['2026-01-31T12:00:00.123456Z', NOON + 123],
    ['2026-01-31T12:00:00,5Z', NOON + 500],
    ['20260131T120000Z', NOON],
    ['20260131T1200Z', NOON],
    ['20260131T190000.25+0700', NOON + 250],
    ['20260131', NOON - 12 * 3_600_000],
    ['2026-01-31T24:00:00Z', NOON + 12 * 3_600_000],
    // As Python's isoformat() and str() write a time without a zone, and as Trino writes timestamps.
    ['2026-01-31T12:00:00.123456', NOON + 123],
    ['2026-01-31 12:00:00', NOON],
    ['2026-01-31 12:00:00.5 UTC', NOON + 500],
    [' 2026-01-31 ', NOON - 12 * 3_600_000],
    // As PostgreSQL prints timestamptz.
    ['2026-01-31 12:00:00+00', NOON],
    ['2026-01-31 19:00:00.123456+07', NOON + 123],
    ['2026-01-31 17:30:00+05:30', NOON],
    // As pandas prints nanoseconds.
    ['2026-01-31T12:00:00.123456789', NOON + 123],
    ['2026-01-31 19:00:00.123456789+07:00', NOON + 123],
    ['0050-01-01T00:00:00Z', Date.parse('0050-01-01T00:00:00Z')],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
  ])('%j is UTC unless it names a zone', (text, expected) => {
    expect(isoTimeMs(text)).toBe(expected);
  });

  test.each([
    ...[
      '',
      'yesterday',
      '5',
      '2026',
      '1769860800',
      '2026-01',
      'Jan 31 2026',
      '31/01/2026',
      'NaT',
      'infinity',
    ],
    ...[
      '2026-13-01',
      '2026-00-01',
      '2026-01-00',
      '2026-02-30',
      '2026-02-29',
      '2026-04-31',
      '20260230T000000Z',
    ],
    ...[
      '2026-01-31T25:00Z',
      '2026-01-31T24:00:01Z',
      '2026-01-31T12:60Z',
      '2026-01-31T12:00:60Z',
      '2026-01-31T12Z',
    ],
    ...['2026-01-31T12:00:00+25:00', '2026-01-31T12:00:00+07:60', '2026-01-31T12:00:00+7', '2026-01-31Z'],
    ...['2026-0131', '2026-01-31T12:0000', '2026-01-31  12:00:00', '2026-01-31T12:00:00.Z', '+2026-01-31'],
  ])('%j is not a time', (text) => {
    expect(isoTimeMs(text)).toBeNaN();
  });

  const time = fc.integer({ min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) });

  test('every form of a time is the same time', () => {
    const form = fc.record({
      basicDate: fc.boolean(),
      basicTime: fc.boolean(),
      separator: fc.constantFrom('T', 't', ' '),
      point: fc.constantFrom('.', ','),
      more: fc.constantFrom('', '456', '456789'),
      blank: fc.constantFrom('', ' '),
      offset: fc.integer({ min: -14 * 60, max: 14 * 60 }),
      zone: fc.constantFrom('none', 'Z', 'z', 'UTC', '+hh', '+hhmm', '+hh:mm'),
    });
    fc.assert(
      fc.property(time, form, (ms, { basicDate, basicTime, separator, point, more, blank, offset, zone }) => {
        const minutes = !zone.startsWith('+') ? 0 : zone === '+hh' ? Math.trunc(offset / 60) * 60 : offset;
        const [date = '', clock = ''] = new Date(ms + minutes * 60_000).toISOString().slice(0, -1).split('T');
        const zones: Readonly<Record<string, string>> = { none: '', Z: 'Z', z: 'z', UTC: 'UTC' };
        const text = [
          basicDate ? date.replaceAll('-', '') : date,
          separator,
          (basicTime ? clock.replaceAll(':', '') : clock).replace('.', point),
          more,
          zone === 'none' ? '' : blank,
          zones[zone] ?? printOffset(minutes, zone),
        ].join('');
        expect([text, isoTimeMs(text)]).toEqual([text, ms]);
      }),
    );
  });

  test('a date is refused exactly when the calendar does not have it', () => {
    const two = (value: number) => String(value).padStart(2, '0');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9999 }),
        fc.nat({ max: 13 }),
        fc.nat({ max: 32 }),
        (year, month, day) => {
          const days = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
          const ms = isoTimeMs(`${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`);
          expect(Number.isNaN(ms)).toBe(day < 1 || day > days);
        },
      ),
    );
  });

  test('any other text is not a time', () => {
    const characters = fc.constantFrom(...'0123456789-:+.,TtZz UC');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: characters })), (text) => {
        expect(Number.isNaN(isoTimeMs(text)) || Number.isSafeInteger(isoTimeMs(text))).toBe(true);
      }),
    );
  });
});

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function printOffset(minutes: number, form: string): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  const tail = form === '+hh' ? '' : form === '+hhmm' ? two(rest) : `:${two(rest)}`;
  return `${minutes < 0 ? '-' : '+'}${two(hours)}${tail}`;
}
