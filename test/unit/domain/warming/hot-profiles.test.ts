import { describe, expect, test } from 'vitest';
import {
  profileRoom,
  READ_HALF_LIFE_SECONDS,
  readWeight,
  selectMostRead,
  selectStillRead,
} from '../../../../domain/warming/hot-profiles.ts';

const counted = (...reads: number[]) => reads.map((count, index) => ({ id: `kol-${index}`, reads: count }));

describe('the weight of a read', () => {
  test('doubles with every half-life since the start of the count', () => {
    expect([0, 1, 2].map((halfLives) => readWeight(halfLives * READ_HALF_LIFE_SECONDS))).toEqual([1, 2, 4]);
  });

  test('is that of the start when the clock was set back', () => {
    expect(readWeight(-100)).toBe(1);
  });
});

describe('selecting hot profiles', () => {
  test('selects the most read profiles that fit', () => {
    expect(selectMostRead(counted(9, 7, 5), 2)).toEqual(['kol-0', 'kol-1']);
  });

  test('does not select profiles with less than one weighted read', () => {
    expect(selectMostRead(counted(9, 1, 0.9), 3)).toEqual(['kol-0', 'kol-1']);
  });

  test('refreshes profiles beyond the room that are read once per TTL', () => {
    const ttlSeconds = 3600;
    // One read an hour for many days; each read weighs less the older it is.
    const hourly = Array.from({ length: 1000 }, (_, hours) => 1 / readWeight(hours * 3600));
    const oncePerTtl = hourly.reduce((sum, weight) => sum + weight);
    expect(selectStillRead(counted(50, oncePerTtl, oncePerTtl * 0.8), ttlSeconds)).toEqual([
      'kol-0',
      'kol-1',
    ]);
  });
});

describe('room for hot profiles', () => {
  const redis = { maxBytes: 512 * 1024 ** 2, bytesPerProfile: 1000 };

  test('is a share of the memory of Redis', () => {
    expect(profileRoom({ memoryPercent: 25 }, redis)).toBe(134_217);
  });

  test('is the fixed number when one is set', () => {
    expect(profileRoom({ fixedRoom: 1000, memoryPercent: 25 }, redis)).toBe(1000);
  });

  test('is at least one profile', () => {
    expect(profileRoom({ memoryPercent: 1 }, { maxBytes: 1000, bytesPerProfile: 1000 })).toBe(1);
  });
});
