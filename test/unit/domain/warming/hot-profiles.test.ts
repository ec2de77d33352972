import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  selectMostRead,
  createFill,
  profileRoom,
  READ_HALF_LIFE_SECONDS,
  readWeight,
  selectStillRead,
} from '../../../../domain/warming/hot-profiles.ts';

const counted = (...reads: number[]) => reads.map((count, index) => ({ id: `kol-${index}`, reads: count }));

describe('reads', () => {
  test('weigh twice as much a half-life later', () => {
    expect([0, 1, 2].map((halfLives) => readWeight(halfLives * READ_HALF_LIFE_SECONDS))).toEqual([1, 2, 4]);
  });

  test('weigh as at the start where the clock went back', () => {
    expect(readWeight(-100)).toBe(1);
  });
});

describe('the choice', () => {
  test('takes the most asked-for that fit', () => {
    expect(selectMostRead(counted(9, 7, 5), 2)).toEqual(['kol-0', 'kol-1']);
  });

  test('does not take those that were read less than once lately', () => {
    expect(selectMostRead(counted(9, 1, 0.9), 3)).toEqual(['kol-0', 'kol-1']);
  });

  test('fills up what is left with the most followed, in their order', () => {
    const followed = ['famous', 'asked', 'known', 'unknown'];
    expect(followed.filter(createFill(['asked', 'niche'], 4))).toEqual(['famous', 'known']);
  });

  test('never takes more than there is room for, nor anybody twice', () => {
    const ids = fc.uniqueArray(fc.string({ maxLength: 2 }), { maxLength: 30 });
    fc.assert(
      fc.property(ids, ids, fc.integer({ min: 1, max: 40 }), (read, followed, room) => {
        const asked = selectMostRead(
          read.map((id) => ({ id, reads: 5 })),
          room,
        );
        const chosen = [...asked, ...followed.filter(createFill(asked, room))];
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.length).toBe(Math.min(room, new Set([...read, ...followed]).size));
      }),
    );
  });

  test('refreshes beyond the room whom somebody reads once in a lifetime of the cached profile', () => {
    const ttlSeconds = 3600;
    // Once an hour for days: each read weighs less by its age.
    const hourly = Array.from({ length: 1000 }, (_, hours) => 1 / readWeight(hours * 3600));
    const oncePerTtl = hourly.reduce((sum, weight) => sum + weight);
    expect(selectStillRead(counted(50, oncePerTtl, oncePerTtl * 0.8), ttlSeconds)).toEqual(['kol-0', 'kol-1']);
  });
});

describe('room', () => {
  const redis = { maxBytes: 512 * 1024 ** 2, bytesPerProfile: 1000 };

  test('is a share of the memory of Redis', () => {
    expect(profileRoom({ memoryPercent: 25 }, redis)).toBe(134_217);
  });

  test('is the number that is set', () => {
    expect(profileRoom({ fixedRoom: 1000, memoryPercent: 25 }, redis)).toBe(1000);
  });

  test('is for one profile at least', () => {
    expect(profileRoom({ memoryPercent: 1 }, { maxBytes: 1000, bytesPerProfile: 1000 })).toBe(1);
  });
});
