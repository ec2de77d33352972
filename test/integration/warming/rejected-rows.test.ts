import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { ReadOptions } from '../../../clients/lakehouse/read-options.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { smallSplits, type SmallSplits } from '../../support/small-splits.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';

const DATABASE = 6;

let harness: WarmHarness;
let splits: SmallSplits;
let table: string;
let columns: string[];
/** The KOL whose rows the reads reject, as if they broke the contract; null for none. */
let rejectedId: string | null = null;

beforeAll(async () => {
  harness = await warmHarness(DATABASE, {}, () => ({
    planProfiles: (args) => splits.planProfiles(args),
    warmProfileSplit: (args) => splits.warmProfileSplit(args),
    warmHotProfiles: (args) => splits.warmHotProfiles(args),
  }));
  const { trino, schema } = harness;
  table = `${schema}.kol_profiles`;
  const names = (await trino(`SHOW COLUMNS FROM ${table}`)).map(([column]) => String(column));
  columns = [...names.filter((name) => name !== 'platform'), 'platform'];
  await trino(
    `CREATE TABLE ${schema}.partitioned WITH (partitioning = ARRAY['platform']) AS SELECT ${columns.join(', ')} FROM ${table}`,
  );
  await trino(`DROP TABLE ${table}`);
  await trino(`ALTER TABLE ${schema}.partitioned RENAME TO ${table}`);
});
afterAll(() => harness.stop());
beforeEach(async () => {
  rejectedId = null;
  await harness.redis.flushdb();
});

async function useSplits(more: Partial<Parameters<typeof smallSplits>[1]> = {}): Promise<void> {
  const options = { rowsPerSplit: 100_000, parallelSplits: 1, writesPerSecond: 0, ...more };
  splits = await smallSplits(harness.config, options, rejecting);
}

/** The reads of the real lakehouse, without the rows of the rejected KOL. */
function rejecting(real: Lakehouse): Partial<Lakehouse> {
  const without = (rows: readonly Profile[], { onRejected }: ReadOptions = {}) => {
    const left = rows.filter(({ kol_id }) => kol_id !== rejectedId);
    for (let row = left.length; row < rows.length; row += 1) onRejected?.('the row is broken');
    return left;
  };
  return {
    async *profilesOfFiles(paths, options) {
      for await (const page of real.profilesOfFiles(paths, options)) yield without(page, options);
    },
    async *profileSplit(split, options) {
      for await (const page of real.profileSplit(split, options)) yield without(page, options);
    },
    async *mostFollowed(choice, options) {
      for await (const page of real.mostFollowed(choice, options)) yield without(page, options);
    },
    profilesById: async (ids, options) => without(await real.profilesById(ids, options), options),
  };
}

const warm = async () => (await harness.warm({ parts: ['profiles'] })).parts[0];
/** Appends three rows, of other KOLs of another platform. */
const append = (name: string) => {
  const changed: Record<string, string> = { kol_id: `kol_id || '-${name}'`, platform: `'${name}'` };
  return harness.trino(
    `INSERT INTO ${table} SELECT ${columns.map((column) => changed[column] ?? column).join(', ')} FROM ${table}
     WHERE platform = 'tiktok' ORDER BY kol_id LIMIT 3`,
  );
};
const firstOf = async (platform: string) =>
  String((await harness.trino(`SELECT min(kol_id) FROM ${table} WHERE platform = '${platform}'`))[0]?.[0]);

describe('the older row of a KOL whose row is rejected', () => {
  test.each([
    ['is in a file that is gone', 'a'],
    ['was cached by a reader since the last warm', 'b'],
  ])('expires, when it %s', async (name, platform) => {
    await useSplits();
    const { redis, trino } = harness;
    await append(platform);
    await warm();
    const id = await firstOf(platform);
    const key = profile.key(id);
    if (name.includes('reader')) {
      await redis.hset(key, 'cached_at', new Date(Date.now() + 1).toISOString());
      await append('new');
    } else {
      await trino(`DELETE FROM ${table} WHERE platform = '${platform}'`);
      await append(platform);
    }
    rejectedId = id;
    await redis.expire(key, 100);

    const report = await warm();
    expect(report?.skipped.join()).toContain('all rows read: 1 rows were rejected');
    expect(report).toMatchObject({ rejected: 1, rejectedExamples: ['the row is broken'] });
    expect(await redis.ttl(key)).toBeLessThanOrEqual(100);

    expect((await warm())?.skipped.join()).toContain('unchanged since');
    expect(await redis.ttl(key)).toBeLessThanOrEqual(100);
    await splits.close();
  });
});
