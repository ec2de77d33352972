import { describe, expect, test } from 'vitest';
import { ALL_PROFILES } from '../../../../domain/entities/part-metadata.ts';
import { isProfileOfWarm, isSetOfWarm } from '../../../../domain/warming/is-of-warm.ts';
import { partMetadataOf } from '../../../support/cache-values.ts';

const readAt = Date.parse('2026-11-22T10:00:00.500Z') * 1000 + 123;
const last = {
  ...partMetadataOf(1),
  read_at: '2026-11-22T10:00:00.700Z',
  sets: { set: { size: 1, ttlSeconds: 900, readAt }, companion: { size: 0, ttlSeconds: 900 } },
};

describe('a set is of the last warm', () => {
  test.each([
    ['set', '2026-11-22T10:00:00.500Z', true],
    ['set', '2026-11-22T10:00:00.700Z', true],
    ['set', '2026-11-22T10:00:00.501Z', false],
    ['companion', '2026-11-22T10:00:00.500Z', false],
    ['another', '2026-11-22T10:00:00.700Z', false],
  ])('%s, read at %s: %s', (key, updatedAt, expected) => {
    expect(isSetOfWarm(last, { key, updatedAt })).toBe(expected);
  });
});

describe('a profile is of the last warm', () => {
  const all = { ...last, shape: ALL_PROFILES, oldest_read_at: '2026-11-21T10:00:00.000Z' };
  const hot = { ...last, shape: 'hot 75 %, 100' };
  test.each([
    ['the oldest of all', all, '2026-11-21T10:00:00.000Z', true],
    ['an older one', all, '2026-11-21T09:59:59.999Z', false],
    ['read by the warm', all, '2026-11-22T10:00:00.700Z', true],
    ['read later by a miss', all, '2026-11-22T10:00:00.701Z', false],
    ['hot', hot, '2026-11-22T10:00:00.700Z', true],
    ['of an earlier choice of hot ones', hot, '2026-11-22T09:45:00.000Z', false],
  ])('%s', (_, metadata, updatedAt, expected) => {
    expect(isProfileOfWarm(metadata, { key: 'kol:profile:a', updatedAt })).toBe(expected);
  });
});
