import { describe, expect, test } from 'vitest';
import { createWarmContentIds } from '../../../activities/warming/warm-content-ids.ts';
import { createCacheAdmin } from '../../../cache/admin/cache-admin.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { RedisClient } from '../../../clients/redis.ts';
import { content } from '../../../domain/entities/content.ts';
import { contentOf } from '../../support/cache-values.ts';
import {
  runActivity,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
} from '../../support/run-activity.ts';
import { withPipeline } from '../../support/with-pipeline.ts';

const redis = await useOwnRedis();

const VIDEO = 'of-zoe';
const key = content.key(VIDEO);
const REFUSED = 'An operator removed values from the cache while trending was read';

/** Warms the detail of a video. @param read is called while it is read */
function warmDetail(read: () => Promise<unknown> = () => Promise.resolve(), client: RedisClient = redis) {
  const reads: Partial<Lakehouse> = {
    tableVersions: (tables) => Promise.resolve(versionsOf(tables, snapshot(1))),
    countRows: () => Promise.resolve(1),
    existingIds: (_, ids) => Promise.resolve(new Set(ids)),
    async contentById() {
      await read();
      return [{ ...contentOf(VIDEO, 7), kol_id: 'zoe' }];
    },
  };
  const args = { ...WARM, scope: { ids: [VIDEO] } };
  return runActivity(createWarmContentIds(warmDependencies(client, reads)), args);
}

/** A client that removes values as soon as it has written a detail, so that the removal may not have seen it. */
function removingAfterWrite(remove: () => Promise<unknown>): RedisClient {
  let hasRemoved = false;
  return withPipeline(redis, (pipeline) => {
    const exec = pipeline.exec.bind(pipeline);
    return Object.assign(pipeline, {
      async exec() {
        const replies = await exec();
        if (!hasRemoved && (await redis.exists(key)) === 1) {
          hasRemoved = true;
          const dump = await redis.dumpBuffer(key);
          await remove();
          // A removal that read the key before the write does not see this value.
          await redis.restore(key, 60_000, dump, 'REPLACE');
        }
        return replies;
      },
    });
  });
}

describe.each([
  ['the person', () => createCacheAdmin(redis).eraseKol('zoe')],
  ['their kind', () => createCacheAdmin(redis).invalidate(['content'], undefined)],
])('content details, when an operator removes %s', (_, remove) => {
  test('while they are read, are not written; a retry reads them again', async () => {
    await expect(warmDetail(remove)).rejects.toThrow(REFUSED);
    expect(await redis.exists(key)).toBe(0);
    expect(await warmDetail()).toMatchObject({ keys: 1 });
    expect(await redis.exists(key)).toBe(1);
  });

  test('while they are written, do not stay', async () => {
    await expect(warmDetail(undefined, removingAfterWrite(remove))).rejects.toThrow(REFUSED);
    expect(await redis.exists(key)).toBe(0);
  });
});
