import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeRefusedPart } from '../../../../domain/warming/refused-part.ts';

const WARMED_AT = '2026-11-28T10:00:00.000Z';
const warmedMs = Date.parse(WARMED_AT);

test('keys are kept exactly as long as the last good warm is not too old', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 700_000 }), fc.integer({ min: 0, max: 700_000 }), (age, maxAge) => {
      const now = new Date(warmedMs + age * 1000);
      const { isKept, note } = judgeRefusedPart(WARMED_AT, { now, maxAgeSeconds: maxAge });
      expect(isKept).toBe(age < maxAge);
      expect(note).toContain(`last good warm ${WARMED_AT}`);
      if (isKept) expect(note).toContain(`until ${new Date(warmedMs + maxAge * 1000).toISOString()}`);
    }),
  );
});

test('nothing is renewed with a bound of 0, also right after a warm whose clock was ahead', () => {
  const now = new Date(warmedMs - 1000);
  expect(judgeRefusedPart(WARMED_AT, { now, maxAgeSeconds: 0 }).isKept).toBe(false);
});

test('nothing is renewed without a readable time of the last warm', () => {
  expect(judgeRefusedPart('yesterday', { now: new Date(), maxAgeSeconds: 1000 }).isKept).toBe(false);
});
