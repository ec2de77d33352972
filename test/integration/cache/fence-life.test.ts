import { expect, test } from 'vitest';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { fenceKey } from '../../../cache/writing/read-fence.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { writeRate } from '../../../domain/warming/write-rate.ts';
import { NOW, profileEntries } from '../../support/cache-values.ts';
import { useOwnRedis } from '../../support/run-activity.ts';

const redis = await useOwnRedis();

test('the fence of a removed profile lives longer than the slowest warm, whose rows have the time of its plan', async () => {
  await writeEntries(redis, profileEntries(['1']));
  expect(await deleteUnlessStreamed(redis, [profile.key('1')], (NOW.getTime() + 1) * 1000)).toBe(1);
  const profiles = 1_000_000;
  const slowestSeconds = profiles / writeRate(1, profiles, profile.ttlSeconds);
  expect(await redis.ttl(fenceKey(profile.key('1')))).toBeGreaterThan(2 * slowestSeconds);
});
