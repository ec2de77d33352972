import { describe, expect, test } from 'vitest';
import { createWarmContentIds } from '../../../activities/warming/warm-content-ids.ts';
import { createWarmProfileIds } from '../../../activities/warming/warm-profile-ids.ts';
import { writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { content } from '../../../domain/entities/content.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { contentOf, NOW, partMetadataOf, profileOf } from '../../support/cache-values.ts';
import {
  runActivity,
  snapshot,
  useOwnRedis,
  versionsOf,
  WARM,
  warmDependencies,
} from '../../support/run-activity.ts';

const redis = await useOwnRedis();

const parts = [
  {
    part: 'profiles',
    table: 'kol_profiles',
    create: createWarmProfileIds,
    entry: profile.toEntry('1', profileOf('1'), NOW.toISOString()),
  },
  {
    part: 'trending',
    table: 'kol_content',
    create: createWarmContentIds,
    entry: content.toEntry('1', contentOf('1', 7), NOW.toISOString()),
  },
] as const;

describe.each(parts)('a warm of some ids of $part', ({ part, table, create, entry }) => {
  /** Warms an id that is cached, and that the table does not have any more. @param rows of the table at the last warm and now */
  async function warmMissing(rows: { before: number; now: number }, allowShrink = false) {
    await writePartMetadata(redis, part, {
      ...partMetadataOf(rows.before),
      tableRows: { [table]: rows.before },
    });
    await writeEntries(redis, [entry]);
    const reads: Partial<Lakehouse> = {
      tableVersions: (tables) => Promise.resolve(versionsOf(tables, snapshot(2))),
      countRows: () => Promise.resolve(rows.now),
      existingIds: () => Promise.resolve(new Set()),
      profilesById: () => Promise.resolve([]),
      contentById: () => Promise.resolve([]),
    };
    const args = { ...WARM, allowShrink, scope: { ids: ['1'] } };
    return runActivity(create(warmDependencies(redis, reads)), args);
  }

  test('removes an id that the table does not have any more', async () => {
    expect(await warmMissing({ before: 100, now: 99 })).toMatchObject({ removed: 1 });
    expect(await redis.exists(entry.key)).toBe(0);
  });

  test('is refused when the table has lost most of its rows', async () => {
    await expect(warmMissing({ before: 100, now: 10 })).rejects.toMatchObject({
      type: 'ImplausiblyShrunk',
      message: expect.stringContaining(`${table} fell from 100 to 10`) as string,
    });
    expect(await redis.exists(entry.key)).toBe(1);
    expect(await warmMissing({ before: 100, now: 10 }, true)).toMatchObject({ removed: 1 });
  });

  test('is refused when the table has lost all of its rows, even if the warm accepts shrinkage', async () => {
    await expect(warmMissing({ before: 5, now: 0 }, true)).rejects.toMatchObject({
      type: 'EmptyRead',
      message: expect.stringContaining(`no rows in ${table} any more`) as string,
    });
    expect(await redis.exists(entry.key)).toBe(1);
  });
});
