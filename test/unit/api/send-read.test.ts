import { describe, expect, test } from 'vitest';
import { cacheStatus } from '../../../api/send-read.ts';
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
