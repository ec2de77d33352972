import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../../clients/redis.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { NOW, profileEntries, profileOf } from '../../support/cache-values.ts';
import { until } from '../../support/until.ts';
import { connectTo, describeOnRedisAndCluster } from '../../support/redis-targets.ts';

/** A client that demands a value of the source, and may have it. */
const NO_CACHE = { noCache: true, onlyIfCached: false, mayRefresh: () => Promise.resolve(true) };

describeOnRedisAndCluster('a value that a client wants to be refreshed', (target) => {
  let redis: RedisClient;
  beforeAll(async () => {
    redis = await connectTo(target.url, 'serve');
  });
  afterAll(() => closeRedis(redis));
  const start = (
    load: (ids: readonly string[]) => Promise<readonly Profile[]>,
    { accepts, loadSeconds }: { accepts?: () => Promise<boolean>; loadSeconds?: number } = {},
  ) =>
    createReadThrough(
      { ...tableSource(profile, load), guard: accepts && { checks: 'values', accepts } },
      { redis, now: () => NOW, onProblem: (problem) => problems.push(problem), loadSeconds },
    );
  const problems: unknown[] = [];

  test('is read after the request, not by a refresh that began before it', async () => {
    await writeEntries(target.redis, profileEntries(['kol-7']));
    let version = 1;
    const ends: (() => void)[] = [];
    const { read } = start(async (ids) => {
      const now = version;
      await new Promise<void>((resolve) => ends.push(resolve));
      return ids.map((id) => profileOf(id, now));
    });
    const before = read('kol-7', { controls: NO_CACHE });
    await until('it queries', () => Promise.resolve(ends.length === 1));
    version = 2; // a client has loaded a new row
    const after = read('kol-7', { controls: NO_CACHE });
    await sleep(200);
    ends[0]?.();
    expect((await before).value?.followers_count).toBe(1);
    await until('the other one queries', () => Promise.resolve(ends.length === 2));
    ends[1]?.();
    expect((await after).value?.followers_count).toBe(2);
  });

  test.each([
    ['whose check hangs', 0],
    ['that follows another one, and whose check hangs', 1],
  ])('is cached still: it answers after the time of a load instead of a refresh %s', async (_, checked) => {
    await writeEntries(target.redis, profileEntries(['kol-7'], 5));
    let checks = 0;
    let release = () => {};
    const released = new Promise<boolean>((resolve) => (release = () => resolve(true)));
    const { read } = start((ids) => Promise.resolve(ids.map((id) => profileOf(id, 5))), {
      accepts: () => ((checks += 1) <= checked ? released : new Promise(() => {})),
      loadSeconds: 1,
    });
    const first = checked === 1 ? read('kol-7', { controls: NO_CACHE }) : undefined;
    if (first !== undefined) await until('the first is checked', () => Promise.resolve(checks === 1));
    const limited = read('kol-7', { controls: NO_CACHE });
    if (first !== undefined) setTimeout(release, 100);
    expect(await limited).toMatchObject({ outcome: 'hit', value: { followers_count: 5 } });
    await first;
  });

  test('stays cached when the client leaves before its query starts', async () => {
    await writeEntries(target.redis, profileEntries(['kol-7']));
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    let queries = 0;
    const { read } = start(async (ids) => {
      queries += 1;
      await released;
      return ids.map((id) => profileOf(id, 9));
    });
    // As many slow queries as may run at the same time.
    const others = [read('other-1')];
    await until('one queries', () => Promise.resolve(queries === 1));
    others.push(read('other-2'));
    await until('another one queries, because the first may hang', () => Promise.resolve(queries === 2));

    const client = new AbortController();
    const left = read('kol-7', { controls: NO_CACHE, client });
    await sleep(100);
    client.abort(new Error('the client has left'));
    await expect(left).rejects.toThrow('the client has left');
    release();
    await Promise.all(others);
    await sleep(100);
    expect(await target.redis.exists(profile.key('kol-7'))).toBe(1);
    expect(problems).toEqual([]);
  });
});
