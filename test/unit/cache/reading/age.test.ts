import { describe, expect, test } from 'vitest';
import { ageSeconds } from '../../../../cache/reading/age.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const TTL = 900;
/** Sets of a warm live longer by this. */
const GRACE = 120;
const ago = (seconds: number) => new Date(NOW_MS - seconds * 1000).toISOString();
const warmed = (seconds: number) => ({ lastWarm: () => ({ versions: undefined, warmedAt: ago(seconds) }) });

describe('the age of a cached value', () => {
  test.each([
    ['that a miss has read', { updatedAt: ago(20), ttlSeconds: TTL - 20 }, 20],
    ['that a warm has written', { updatedAt: ago(50), ttlSeconds: TTL + GRACE - 50, ...warmed(45) }, 45],
    ['that a warm has confirmed', { updatedAt: ago(5000), ttlSeconds: TTL + GRACE - 10, ...warmed(10) }, 10],
    ['whose warms were refused', { updatedAt: ago(86_400), ttlSeconds: TTL, ...warmed(80_000) }, 80_000],
    ['that is not of the last warm', { updatedAt: ago(70), ttlSeconds: TTL, lastWarm: () => undefined }, 70],
    ['that has expired', { updatedAt: ago(950), ttlSeconds: -50 }, 950],
    ['of a clock that is ahead', { updatedAt: ago(-60), ttlSeconds: TTL }, 0],
    ['without a time, by its TTL', { ttlSeconds: TTL - 30 }, 30],
    ['whose time cannot be read, by its TTL', { updatedAt: 'yesterday', ttlSeconds: TTL - 30 }, 30],
    ['without any time', {}, 0],
  ])('%s', (_, read, expected) => {
    expect(ageSeconds(read, TTL, NOW_MS)).toBe(expected);
  });
});
