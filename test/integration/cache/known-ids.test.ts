import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createKnownIds } from '../../../cache/reading/known-ids.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { closeRedis, readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { addToFilter, createBloomFilter } from '../../../domain/values/bloom-filter.ts';
import type { TableVersions } from '../../../domain/warming/table-version.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';
import { until } from '../../support/until.ts';

const TABLE = 'kol_profiles';
/** A process looks for a new filter at most this often. */
const CHECK_EVERY_MS = 5000;

const versionAt = (id: string): TableVersions => ({ [TABLE]: { kind: 'snapshot', id, since: '' } });

describeOnRedisAndCluster('an id that the filter of known ids lacks', (target) => {
  let redis: RedisClient;
  beforeAll(async () => {
    redis = await connectTo(target.url, 'serve');
  });
  afterAll(() => closeRedis(redis));
  afterEach(() => void vi.restoreAllMocks());

  /** Lets the time of this process pass. */
  function passTime(ms: number): void {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  }

  async function writeFilter(version: string, ids: readonly string[]): Promise<void> {
    const filter = createBloomFilter(ids.length);
    for (const id of ids) addToFilter(filter, id);
    const text = knownIds.versionOf(TABLE, versionAt(version)) ?? '';
    const entry = knownIds.toEntry(
      TABLE,
      text,
      Buffer.from(filter).toString('base64'),
      ids.length,
      new Date(),
    );
    await replaceSet(target.redis, entry, await readRedisTime(target.redis));
  }

  test.each([
    ['is unknown, also when the filter is lost', () => target.redis.del(knownIds.key(TABLE)), '1', false],
    ['may exist when the table has a newer version', () => writeFilter('2', ['new']), '2', true],
  ])('%s while the read waits for the version of the table', async (_, change, version, mayExist) => {
    await writeFilter('1', ['old']);
    const answers: ((versions: TableVersions) => void)[] = [];
    const comparedVersions = () => new Promise<TableVersions>((resolve) => answers.push(resolve));
    const ask = createKnownIds({ redis, lakehouse: { comparedVersions }, waitSeconds: 60 }, () => {})(
      filteredIds.profiles,
    );
    const asked = ask('new');
    await until('it waits for the version', () => Promise.resolve(answers.length === 1));
    await change();
    passTime(CHECK_EVERY_MS + 100);
    // Another read makes the process load the filter again. If there is a filter, it also waits for the version.
    let hasLooked = false;
    void ask('another').then(() => (hasLooked = true));
    await until('the other read has looked', () => Promise.resolve(hasLooked || answers.length === 2));
    answers[0]?.(versionAt(version));
    expect(await asked).toBe(mayExist);
  });

  test('may exist when the version of the table is not known in time, and its query is cancelled', async () => {
    await writeFilter('1', ['old']);
    let query: AbortSignal | undefined;
    const comparedVersions = (_: unknown, signal?: AbortSignal) => {
      query = signal;
      return new Promise<TableVersions>(() => {});
    };
    const problems: unknown[] = [];
    const ask = createKnownIds({ redis, lakehouse: { comparedVersions }, waitSeconds: 0.2 }, (...problem) =>
      problems.push(problem),
    )(filteredIds.profiles);
    expect([await ask('new'), query?.aborted, problems.length]).toEqual([true, true, 1]);
  });
});
