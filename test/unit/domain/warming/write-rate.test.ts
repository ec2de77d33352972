import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renewalRate, writeRate } from '../../../../domain/warming/write-rate.ts';

test('a configured limit of 0 means no limit', () => {
  expect(writeRate(0, 1_000_000, 3600)).toBe(0);
});

test('a sufficient limit is not changed', () => {
  expect(writeRate(1000, 1_000_000, 3600)).toBe(1000);
});

test('a limit at which the first profiles expire before the last ones are written is raised', () => {
  expect(writeRate(200, 1_000_000, 3600)).toBe(695);
});

test('with any limit all profiles are written in 40 % of their TTL, well before a scheduled warm is overdue, and never slower than configured', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.nat(10_000_000),
      fc.integer({ min: 60, max: 86_400 }),
      (configured, profiles, ttlSeconds) => {
        const rate = writeRate(configured, profiles, ttlSeconds);
        expect(profiles / rate).toBeLessThanOrEqual(ttlSeconds * 0.4);
        expect(rate).toBeGreaterThanOrEqual(configured);
      },
    ),
  );
});

test('profiles are renewed at the limit of writes, or faster, so that all are renewed in five minutes', () => {
  expect(renewalRate(0, 1_000_000)).toBe(0);
  expect(renewalRate(1000, 37_486)).toBe(1000);
  expect(renewalRate(21, 37_486)).toBe(125);
});
