import calculateSlot from 'cluster-key-slot';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { siblingKey } from '../../../../cache/redis/sibling-key.ts';

/** Keys with and without braces, in any order. */
const key = fc
  .array(fc.oneof(fc.constantFrom('{', '}', ':'), fc.string({ maxLength: 4 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => `kol:profile:${parts.join('')}`);

test('a sibling is another key in the same slot, with any braces in the key', () => {
  fc.assert(
    fc.property(key, (name) => {
      const sibling = siblingKey(name, 'read-at');
      expect(calculateSlot(sibling)).toBe(calculateSlot(name));
      expect(sibling).not.toBe(name);
      expect(sibling.endsWith(':read-at')).toBe(true);
      // A scan for profiles must not find their fences.
      expect(sibling.startsWith('kol:profile:')).toBe(false);
    }),
    { numRuns: 1000 },
  );
});

test('the sibling of a key in the slot of `{}` is in its slot too', () => {
  expect(calculateSlot('kol:profile:}h')).toBe(calculateSlot('{}'));
  expect(calculateSlot(siblingKey('kol:profile:}h', 'read-at'))).toBe(calculateSlot('kol:profile:}h'));
});

test.each([
  ['kol:top:followers:all:100', '{kol:top:followers:all:100}:read-at'],
  ['{content:trending:all:50}:heat', '{content:trending:all:50}:heat:read-at'],
  ['kol:profile:{a}', '{a}:kol:profile:{a}:read-at'],
])('the sibling of %s is %s', (name, sibling) => {
  expect(siblingKey(name, 'read-at')).toBe(sibling);
});

test('keys whose braces are not a hash tag have siblings of their own', () => {
  const keys = ['kol:profile:a{b', 'kol:profile:a}b', 'kol:profile:a{}b', 'kol:profile:}{'];
  expect(new Set(keys.map((name) => siblingKey(name, 'x'))).size).toBe(keys.length);
});
