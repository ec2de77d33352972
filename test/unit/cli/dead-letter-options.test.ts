import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseOffsets, parseSince } from '../../../cli/dead-letter-options.ts';

describe('offsets', () => {
  test('are sorted and without duplicates', () => {
    expect(parseOffsets('0:15, 0:12,1:3,0:12')).toEqual([
      { partition: 0, offset: 12 },
      { partition: 0, offset: 15 },
      { partition: 1, offset: 3 },
    ]);
  });

  test.each(['', '12', '0:12,', '0:-1', 'a:1', '0:1:2', '0:99999999999999999999', '0:1;2'])(
    'do not accept %j',
    (text) => {
      expect(() => parseOffsets(text)).toThrow(InvalidArgumentError);
    },
  );
});

describe('a start time', () => {
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
  ])('accepts %j', (text, expected) => {
    expect(parseSince(text, NOW)).toBe(expected);
  });

  test.each(['', 'yesterday', '1', '1w', '-1h', '2026', '2026-13-01', '1.5h', '2026-02-28 10:30'])(
    'does not accept %j',
    (text) => {
      expect(() => parseSince(text, NOW)).toThrow(InvalidArgumentError);
    },
  );
});
