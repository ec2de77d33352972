import { describe, expect, test } from 'vitest';
import { profileSplits, HASH_BUCKETS } from '../../../../domain/warming/profile-splits.ts';
import { memoryWarnings } from '../../../../domain/warming/redis-memory.ts';
import { findShrunken } from '../../../../domain/warming/check-shrinkage.ts';
import { MAX_SCOPE_IDS, mergeScopes } from '../../../../domain/warming/warm-parts.ts';

describe('merged scopes', () => {
  test('of ids are all the ids, each once', () => {
    expect(mergeScopes([{ ids: ['1', '2'] }, { ids: ['2', '3'] }])).toEqual({ ids: ['1', '2', '3'] });
  });
  test('of platforms are all the platforms', () => {
    expect(mergeScopes([{ platforms: ['tiktok'] }, { platforms: ['twitter', 'tiktok'] }])).toEqual({
      platforms: ['tiktok', 'twitter'],
    });
  });
  test.each([
    ['one of them is the whole part', [{ ids: ['1'] }, undefined]],
    ['they are of both kinds', [{ ids: ['1'] }, { platforms: ['tiktok'] }]],
    [
      'they are more ids than one run takes',
      [{ ids: Array.from({ length: MAX_SCOPE_IDS }, (_, id) => String(id)) }, { ids: ['one more'] }],
    ],
  ])('are the whole part where %s', (_, scopes) => {
    expect(mergeScopes(scopes)).toBeUndefined();
  });
});

describe('splits', () => {
  test.each([
    [0, 100, 1],
    [1, 100, 1],
    [101, 100, 2],
    [1_000_000, 100_000, 10],
    [1_000_000, 1, HASH_BUCKETS],
  ])('of %d rows at %d each are %d, and hold every bucket once', (rows, each, count) => {
    const splits = profileSplits(rows, each);
    expect(splits).toHaveLength(count);
    expect(splits[0]?.from).toBe(0);
    expect(splits.at(-1)?.to).toBe(HASH_BUCKETS);
    splits.forEach(({ from, to }, index) => {
      expect(to).toBeGreaterThan(from);
      if (index > 0) expect(from).toBe(splits[index - 1]?.to);
    });
  });
});

describe('shrinkage', () => {
  test.each([
    [100, 50, false],
    [100, 49, true],
    [20, 0, true],
    [19, 0, false],
    [0, 0, false],
  ])('from %d to %d at a limit of 50 %% is refused: %s', (before, now, refused) => {
    expect(findShrunken([{ what: 'a set', before, now }], 50)).toHaveLength(refused ? 1 : 0);
  });
});

describe('memory warnings', () => {
  const memory = { keys: 1, usedBytes: 79, maxBytes: 100, policy: 'allkeys-lru' };
  test('begin at 80 % of maxmemory, with what is about to be written', () => {
    expect(memoryWarnings(memory)).toEqual([]);
    expect(memoryWarnings(memory, 1)).toHaveLength(1);
    expect(memoryWarnings({ ...memory, usedBytes: 80 })).toHaveLength(1);
  });
  test('are none without a limit', () => {
    expect(memoryWarnings({ ...memory, maxBytes: 0 }, 1e12)).toEqual([]);
  });
});
