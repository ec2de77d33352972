import { describe, expect, test } from 'vitest';
import { freshness } from '../../../api/freshness.ts';
import { cacheControl, cacheStatus } from '../../../api/send-read.ts';
import { cachedLimit } from '../../../api/routes/kols.ts';

describe('Cache-Status (RFC 9211)', () => {
  const read = { value: {}, collapsed: false } as const;
  test.each([
    [{ ...read, outcome: 'hit', ttlSeconds: 412 }, 'kol-redis; hit; ttl=412'],
    [{ ...read, outcome: 'hit' }, 'kol-redis; hit'],
    [{ ...read, outcome: 'hit', ttlSeconds: 412, collapsed: true }, 'kol-redis; hit; ttl=412'],
    [{ ...read, outcome: 'miss', ttlSeconds: 900 }, 'kol-redis; fwd=uri-miss; stored'],
    [
      { ...read, outcome: 'miss', ttlSeconds: 900, collapsed: true },
      'kol-redis; fwd=uri-miss; stored; collapsed',
    ],
    [{ ...read, outcome: 'miss' }, 'kol-redis; fwd=uri-miss'],
    [{ ...read, outcome: 'miss', refused: true }, 'kol-redis; fwd=uri-miss; detail=table-shrunk'],
    [{ ...read, outcome: 'stale', ttlSeconds: -12 }, 'kol-l1; hit; ttl=-12'],
    [{ ...read, outcome: 'negative' }, 'kol-redis; hit; detail=negative'],
    [{ ...read, outcome: 'bypass' }, 'kol-redis; fwd=bypass; detail=redis-unavailable'],
  ] as const)('%o → %s', (given, expected) => {
    expect(cacheStatus(given)).toBe(expected);
  });
});

describe('Cache-Control lets clients keep an answer no longer than it takes to change', () => {
  test.each([
    ['profile', 'max-age=900, stale-while-revalidate=60, stale-if-error=3600'],
    ['ranking', 'max-age=900, stale-while-revalidate=60, stale-if-error=3600'],
    ['profileList', 'max-age=900, stale-while-revalidate=60, stale-if-error=3600'],
    ['kolContent', 'max-age=900, stale-while-revalidate=60, stale-if-error=3600'],
    ['search', 'max-age=60, stale-while-revalidate=60, stale-if-error=3600'],
    ['stats', 'max-age=300, stale-while-revalidate=60, stale-if-error=86400'],
    ['dailyStats', 'max-age=300, stale-while-revalidate=60, stale-if-error=86400'],
    ['trending', 'max-age=5, stale-while-revalidate=10, stale-if-error=600'],
    ['content', 'max-age=5, stale-while-revalidate=10, stale-if-error=600'],
    ['score', 'no-cache'],
  ] as const)('%s: %s', (kind, expected) => {
    expect(cacheControl(freshness[kind], 0)).toBe(expected);
  });

  test.each([
    ['a profile that was read an hour ago', 'profile', 3500, 3600],
    ['a profile that the next warm may change', 'profile', 600, 1500],
    ['trending content in its grace', 'trending', 1000, 1000],
  ] as const)('of the age of its value: %s', (_, kind, age, maxAge) => {
    expect(cacheControl(freshness[kind], age)).toContain(`max-age=${maxAge}, `);
  });
});

describe('a limit is answered from the shortest cached ranking that is long enough', () => {
  test.each([
    [[100, 50], 100, 100],
    [[100, 50], 51, 100],
    [[100, 50], 50, 50],
    [[100, 50], 1, 50],
    [[1000, 10], 11, 1000],
    [[50], 51, 100],
  ])('of the cached lengths %o, for limit %i: %i', (cachedLimits, limit, expected) => {
    expect(cachedLimit(cachedLimits, limit)).toBe(expected);
  });
});
