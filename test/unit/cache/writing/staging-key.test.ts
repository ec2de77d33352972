import calculateSlot from 'cluster-key-slot';
import { expect, test } from 'vitest';
import { stagingKey } from '../../../../cache/writing/write-entries.ts';
import { trending } from '../../../../domain/entities/trending.ts';

test.each([
  'kol:top:followers:all:100',
  'stats:platform',
  trending.key('tiktok'),
  trending.heatKey('tiktok'),
])('what is built beside %s lies in its cluster slot, so that RENAME works there', (key) => {
  const beside = stagingKey(key, 'writer');
  expect(beside).not.toBe(key);
  expect(calculateSlot(beside)).toBe(calculateSlot(key));
});

test('the heat of trending content lies in the slot of its list: one script moves both', () => {
  expect(calculateSlot(trending.heatKey('all'))).toBe(calculateSlot(trending.key('all')));
});

test('a key whose braces are no hash tag is refused', () => {
  expect(() => stagingKey('a{b', 'writer')).toThrow(/braces/);
});
