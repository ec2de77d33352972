import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { environmentSchema, loadConfig, type Config } from '../../../config/config.ts';

const load = (name: keyof Config, text: string) => loadConfig({ [name]: text }, [name])[name];

const names = (Object.keys(environmentSchema.shape) as (keyof Config)[]).filter((name) =>
  /"type":"(number|integer)"/.test(
    JSON.stringify(z.toJSONSchema(environmentSchema.shape[name], { unrepresentable: 'any' })),
  ),
);

describe('a number', () => {
  test('is the value of these variables', () => {
    expect(names.length).toBeGreaterThan(20);
    expect(names).toEqual(
      expect.arrayContaining(['API_RATE_LIMIT', 'SCORING_TRIGGER', 'WARM_RANKING_LIMITS']),
    );
  });

  test.each(names)('%s is not a blank text, which would be 0, nor another notation', (name) => {
    for (const text of [' ', '\t', '0x10', '1e2', '5s', 'NaN', 'Infinity'])
      expect(() => load(name, text)).toThrow(`${name} is not valid`);
  });

  test('may have a fraction, and blanks around it', () => {
    expect(load('API_DEADLINE_SECONDS', ' 2.5 ')).toBe(2.5);
    expect(load('SCORING_TRIGGER', '0.1')).toBe(0.1);
  });
});

test('an empty variable has its default', () => {
  expect(load('API_RATE_LIMIT', '')).toBe(0);
  expect(load('API_L1_MEGABYTES', '')).toBe(64);
});

test('warms need at least two queries, one of them for the parts that are not read in splits', () => {
  expect(load('WARM_TRINO_QUERIES', '2')).toBe(2);
  expect(() => load('WARM_TRINO_QUERIES', '1')).toThrow('WARM_TRINO_QUERIES is not valid');
});

test('SCORING_TRIGGER is `available` or a number of seconds from 0.1 to 3600, and the error lists both', () => {
  expect(load('SCORING_TRIGGER', 'available')).toBe('available');
  expect(() => load('SCORING_TRIGGER', '0')).toThrow(/SCORING_TRIGGER is not valid: .*>=0\.1 /);
  expect(() => load('SCORING_TRIGGER', '3601')).toThrow(/SCORING_TRIGGER is not valid: .*<=3600 /);
  expect(() => load('SCORING_TRIGGER', 'often')).toThrow('must be a number from 0.1 to 3600, or available');
});
