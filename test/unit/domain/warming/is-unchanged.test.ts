import { expect, test } from 'vitest';
import { isUnreadableDue } from '../../../../domain/warming/is-unchanged.ts';

const now = new Date('2026-11-29T12:00:00Z');
const isDue = (hasUnreadable: boolean | undefined, read_at: string) =>
  isUnreadableDue({ read_at, ...(hasUnreadable !== undefined && { hasUnreadable }) }, now);

test('a part with an unreadable column is read again after an hour, and not before', () => {
  expect(isDue(true, '2026-11-29T11:00:01Z')).toBe(false);
  expect(isDue(true, '2026-11-29T11:00:00Z')).toBe(true);
});

test('a part whose columns could all be read is not read again because of its age', () => {
  expect(isDue(undefined, '2026-11-28T12:00:00Z')).toBe(false);
});
