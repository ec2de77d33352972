import calculateSlot from 'cluster-key-slot';
import { expect, test } from 'vitest';
import { stagingKey } from '../../../../cache/writing/staging-key.ts';
import { trending } from '../../../../domain/entities/trending.ts';

test.each([
  'kol:top:followers:all:100',
  'stats:platform',
  trending.key('tiktok'),
  trending.heatKey('tiktok'),
])('the staging key of %s is in the same cluster slot, as RENAME requires', (key) => {
  const staging = stagingKey(key, 'writer');
  expect(staging).not.toBe(key);
  expect(calculateSlot(staging)).toBe(calculateSlot(key));
});

test('the heat of trending content is in the slot of its list, so that one script can change both', () => {
  expect(calculateSlot(trending.heatKey('all'))).toBe(calculateSlot(trending.key('all')));
});
