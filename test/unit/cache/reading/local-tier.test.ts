import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLocalTier } from '../../../../cache/reading/local-tier.ts';
import type { RedisClient } from '../../../../clients/redis.ts';

const MAX_BYTES = 200_000;

/** A tier with one value, to which answers can be attached. */
function tierWithValue() {
  const tier = createLocalTier({ maxBytes: MAX_BYTES, ttlSeconds: 60, staleSeconds: 60 });
  tier.follow({ redis: {} as RedisClient, isTracked: () => true });
  const times = { readAt: performance.now(), expiresAt: Infinity };
  const kept = { value: 'a', updatedAt: undefined, bytes: 10, ...times, onRead: () => {} };
  tier.beginRead(['key'])?.keep('key', kept);
  const entry = tier.get('key');
  if (entry === undefined) throw new Error('the value is not kept');
  return { tier, attach: entry.attach };
}

describe('answers under their URLs', () => {
  test('are bounded in bytes, with their URLs: a value has endless URLs', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 500, maxLength: 1500 }), (lengths) => {
        const { tier, attach } = tierWithValue();
        const urls = lengths.map((length, index) => `/kols/zoe?fields=${index}${'&'.repeat(length)}`);
        for (const url of urls) attach(url, {}, 110);
        const kept = urls.filter((url) => tier.attached(url) !== undefined);
        // The last one is kept, and not all are.
        expect(kept).toContain(urls.at(-1));
        // An answer and its headers take 1.5 KB beside its body.
        const bytes = kept.reduce((sum, url) => sum + url.length + 110 + 1500, 0);
        expect(bytes).toBeLessThanOrEqual(MAX_BYTES / 2);
      }),
      { numRuns: 20 },
    );
  });

  test('are not kept under a long URL', () => {
    const { tier, attach } = tierWithValue();
    const url = (length: number) => `/kols/zoe?${'&'.repeat(length)}`;
    attach(url(500), {}, 110);
    attach(url(1500), {}, 110);
    expect(tier.attached(url(500))).toBeDefined();
    expect(tier.attached(url(1500))).toBeUndefined();
  });
});

test('a value that may miss reports is kept for only a second while Redis reports changes of others', () => {
  const tier = createLocalTier({ maxBytes: MAX_BYTES, ttlSeconds: 60, staleSeconds: 60 });
  let isTracked = true;
  tier.follow({ redis: {} as RedisClient, isTracked: () => isTracked });
  const times = { readAt: performance.now(), expiresAt: performance.now() + 3_600_000 };
  const keptFor = () => {
    tier.keepUntracked('key', { value: 'a', updatedAt: undefined, bytes: 10, ...times, onRead: () => {} });
    return Math.round(((tier.get('key')?.freshUntil ?? 0) - performance.now()) / 1000);
  };
  expect(keptFor()).toBe(1);
  isTracked = false;
  expect(keptFor()).toBe(60);
});

test('the number of values is bounded, however small they are', () => {
  const tier = createLocalTier({ maxBytes: 1024 ** 3, ttlSeconds: 60, staleSeconds: 60 });
  const keys = Array.from({ length: 60_000 }, (_, index) => `key-${index}`);
  const times = { readAt: performance.now(), expiresAt: Infinity };
  const kept = { value: 'a', updatedAt: undefined, bytes: 1, ...times, onRead: () => {} };
  for (const key of keys) tier.keepUntracked(key, kept);
  const found = keys.filter((key) => tier.get(key) !== undefined);
  expect([found.length, found[0]]).toEqual([50_000, 'key-10000']);
});
