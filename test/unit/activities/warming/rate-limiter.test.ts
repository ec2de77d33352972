import { expect, test } from 'vitest';
import { optionsOfRun } from '../../../../activities/warming/rate-limiter.ts';

test('the write rate holds for a warm, and not for a dry run', () => {
  const options = { writesPerSecond: 5, room: 60 };
  const run = { dryRun: false, allProfiles: false, force: false, allowShrink: false };
  expect(optionsOfRun(options, run)).toEqual({ writesPerSecond: 5, room: 60 });
  expect(optionsOfRun(options, { ...run, dryRun: true })).toEqual({ writesPerSecond: 0, room: 60 });
});
