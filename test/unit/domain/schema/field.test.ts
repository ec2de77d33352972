import { describe, expect, test } from 'vitest';
import { decimal, platform, time } from '../../../../domain/schema/field.ts';

describe('a decimal', () => {
  test.each(['NaN', 'Infinity', '-Infinity'])('is unknown where Trino prints %s', (cell) => {
    expect(decimal.parse(cell)).toBeNull();
  });

  test.each(['nan', 'Infinity5', '1e999', '12,5'])('refuses %s', (cell) => {
    expect(() => decimal.parse(cell)).toThrow(`"${cell}" is not a finite number`);
  });
});

test('the name of a platform is read in lower case', () => {
  expect(platform.select('"platform"', 'varchar')).toBe('lower(trim(CAST("platform" AS VARCHAR)))');
});

test('only a TIMESTAMP column is printed as RFC 3339; text is unchanged', () => {
  expect(time.select('"t"', 'varchar')).toBe('CAST("t" AS VARCHAR)');
  expect(time.select('"t"', 'date')).toBe('CAST("t" AS VARCHAR)');
  for (const type of ['timestamp', 'timestamp with time zone'])
    expect(time.select('"t"', type)).toContain('to_iso8601');
});
