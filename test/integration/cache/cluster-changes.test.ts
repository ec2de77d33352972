import calculateSlot from 'cluster-key-slot';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { measureProfileSize } from '../../../cache/popularity/profile-size.ts';
import { createCacheReader } from '../../../cache/reading/cache-reader.ts';
import { tableSource } from '../../../cache/reading/entity-sources.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { readPartMetadata, writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeContentRows } from '../../../cache/writing/write-content.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { updateTrending } from '../../../cache/writing/write-trending.ts';
import { writeScores } from '../../../cache/writing/write-scores.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import type { MlApi } from '../../../clients/ml-api.ts';
import { closeRedis, connectRedis, type RedisClient } from '../../../clients/redis.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { score } from '../../../domain/entities/score.ts';
import { trending } from '../../../domain/entities/trending.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import {
  cachedScore,
  contentOf,
  idsOf,
  NOW,
  partMetadataOf,
  profileEntries,
  profileOf,
  scannedProfileIds,
  scoresAt,
} from '../../support/cache-values.ts';
import { moveSlot, startRedisCluster, type TestCluster } from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { keysWithoutTtl } from '../../support/redis.ts';

/** Keys with this hash tag are in the slot of the warms' metadata. */
const TAG = `{${cacheMetadata.key}}`;
const movedIds = idsOf(8, TAG);
const otherIds = idsOf(200);

/** The tests depend on their order: each changes the cluster further, and the last ones break it. */
describe('a Redis Cluster that changes', () => {
  let cluster: TestCluster;
  let redis: RedisClient;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = await connectTo(cluster.url);
  });
  afterAll(async () => {
    await closeRedis(redis);
    await cluster.stop();
  });

  /** The slot of a key, and the node that owns it. */
  const slotOf = (key: string) => {
    const slot = calculateSlot(key);
    const [address] = redis instanceof Cluster ? (redis.slots[slot] ?? []) : [];
    const owner = cluster.masters.find(({ port }) => address === `127.0.0.1:${port}`);
    if (owner === undefined) throw new Error(`no master owns slot ${slot}`);
    return { slot, owner };
  };

  test('accepts every write while a slot moves to a node that the client does not know', async () => {
    const setOf = (value: string): CacheEntry => ({
      key: `test:${TAG}:set`,
      ttlSeconds: 100,
      type: 'list',
      items: Array.from({ length: 1500 }, () => value),
    });
    let time = 0;
    /** Some keys are in the slot, most are not; some of those in the slot are new each time. */
    const writeAll = async () => {
      time += 1;
      const ids = [...movedIds, ...idsOf(8, `${TAG}-${time}-`), ...otherIds];
      const at = time;
      expect(await writeScores(redis, scoresAt(ids, at))).toBe(ids.length);
      await writeEntries(redis, profileEntries(ids, at));
      const details = ids.map((id) => contentOf(id, at));
      expect((await writeContentRows(redis, details, NOW.getTime() * 1000 + at)).written).toBe(ids.length);
    };
    const reader = createCacheReader({
      redis,
      now: () => NOW,
      lakehouse: {} as Lakehouse,
      mlApi: {} as MlApi,
      listSize: 100,
      maxShrinkPercent: 50,
      onProblem: ({ reason }) => expect.unreachable(reason),
      onRejected: () => {},
    });
    const expectAllCached = async () => {
      const profiles = await reader.cachedProfiles([...movedIds, ...otherIds]);
      expect(profiles.size).toBe(movedIds.length + otherIds.length);
    };

    await writeAll();
    await replaceSet(redis, setOf('before'), 1);
    const { slot, owner } = slotOf(TAG);
    const bystanders = cluster.masters.filter((node) => node !== owner);
    let replaced: Promise<unknown> | undefined;
    await writePartMetadata(redis, 'profiles', partMetadataOf(0));
    await moveSlot(slot, owner, cluster.spare, bystanders, async (step) => {
      // A new client: no earlier redirection has shown it the new node.
      const fresh = await connectTo(cluster.url);
      try {
        await writePartMetadata(fresh, 'profiles', partMetadataOf(time));
        expect(await readPartMetadata(fresh, 'profiles')).toMatchObject({ rows: time });
      } finally {
        await closeRedis(fresh);
      }
      await writeAll();
      await expectAllCached();
      // RENAME needs both keys on one node, so this write waits until the slot has moved.
      if (step === 'half-moved') replaced = replaceSet(redis, setOf('meanwhile'), 2);
    });
    await replaced;
    await writeAll();
    await replaceSet(redis, setOf('after'), 3);
    await expectAllCached();

    for (const id of [...movedIds, ...otherIds]) {
      expect(await cachedScore(redis, id), id).toMatchObject({ event_time_ms: time });
      expect(await redis.hget(profile.key(id), 'followers_count'), id).toBe(String(time));
    }
    expect(await writeScores(redis, scoresAt(movedIds, 1))).toBe(0);
    expect(await redis.lindex(setOf('').key, 0)).toBe('after');
    expect(await cluster.spare.redis.exists(score.key(movedIds[0] ?? ''))).toBe(1);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('can be scanned and measured while a slot moves between nodes that the client knows', async () => {
    // the measured node imports the slot: during this it holds keys that it does not serve yet
    const measuredPort = redis instanceof Cluster ? redis.nodes('master')[0]?.options.port : undefined;
    const nodes = [...cluster.masters, cluster.spare];
    const to = nodes.find(({ port }) => port === measuredPort);
    const tag = idsOf(20)
      .map((id) => `{${id}}`)
      .find((id) => slotOf(id).owner !== to);
    if (to === undefined || tag === undefined) throw new Error('found no slot to move');
    const { slot, owner: from } = slotOf(tag);
    const cached = [...idsOf(8, tag), ...idsOf(200, 'scanned-')].sort();
    await writeEntries(redis, profileEntries(cached));
    const bystanders = nodes.filter((node) => node !== from && node !== to);
    let scans = 0;
    const scan = async () => {
      expect(await scannedProfileIds(redis)).toEqual(expect.arrayContaining(cached));
      expect(await measureProfileSize(redis)).toBeLessThan(1000);
      scans += 1;
    };
    await moveSlot(slot, from, to, bystanders, scan);
    await scan();
    expect(scans).toBe(4);
  });

  test('keeps each set whole while its slot moves', async () => {
    const platform = 'tiktok';
    const list = trending.key(platform);
    const key = (type: string) => `test:{${list}}:${type}`;
    const ids = ['a', 'b', 'c'];
    const setsOf = (value: string): CacheEntry[] => [
      { key: key('list'), ttlSeconds: 100, type: 'list', items: ids.map(() => value) },
      { key: key('zset'), ttlSeconds: 100, type: 'zset', members: ids.map((id) => [value + id, 1]) },
      {
        key: key('hash'),
        ttlSeconds: 100,
        type: 'hash',
        fields: Object.fromEntries(ids.map((id) => [id, value])),
      },
      { key: key('string'), ttlSeconds: 100, type: 'string', value },
    ];
    const expectWhole = async () => {
      expect(new Set(await redis.lrange(key('list'), 0, -1)).size).toBe(1);
      expect(await redis.llen(key('list'))).toBe(3);
      expect(await redis.zcard(key('zset'))).toBe(3);
      expect(await redis.hlen(key('hash'))).toBe(3);
      expect(await redis.exists(key('string'))).toBe(1);
      expect((await redis.lrange(list, 0, -1)).sort()).toEqual(ids);
    };
    const replaceAll = async (client: RedisClient, value: string, readAt: number) =>
      Promise.allSettled(setsOf(value).map((set) => replaceSet(client, set, readAt)));
    const heat = ids.map((content_id, index) => ({ content_id, heat: index }));
    await replaceSet(redis, trending.toHeatEntry(platform, heat), 1);
    await replaceSet(redis, trending.toEntry(platform, ids), 1);
    await replaceAll(redis, 'before', 1);
    await expectWhole();

    const { slot, owner: from } = slotOf(list);
    const nodes = [...cluster.masters, cluster.spare];
    const [to, ...bystanders] = nodes.filter((node) => node !== from);
    if (to === undefined) throw new Error('found no node to move the slot to');
    // It gives up soon: some of these writes cannot succeed before the slot has moved.
    const impatient = await connectTo(cluster.url, 'serve');
    let readAt = 1;
    const steps: string[] = [];
    await moveSlot(slot, from, to, bystanders, async (step) => {
      steps.push(step);
      readAt += 1;
      await replaceAll(impatient, step, readAt);
      await expectWhole();
      const first = ids[(readAt + 1) % 3] ?? '';
      const moves = [{ content_id: first, platform, heat: 10 * readAt, mayEnter: false }];
      // When the move begins, the keys of the list are on one node still.
      if (step === 'opened') {
        expect(await updateTrending(redis, moves)).toBe(1);
        expect(await redis.lindex(list, 0)).toBe(first);
      } else await updateTrending(impatient, moves).catch(() => {});
      await expectWhole();
    });
    await closeRedis(impatient);
    expect(steps).toEqual(['opened', 'half-moved', 'moved']);
    const outcomes = await replaceAll(redis, 'after', readAt + 1);
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'fulfilled'));
    expect(await redis.lrange(key('list'), 0, -1)).toEqual(['after', 'after', 'after']);
    await expectWhole();
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('is reached as a whole through the address of one node, with its password', async () => {
    const [node] = cluster.masters;
    const nodes = [...cluster.masters, cluster.spare];
    const password = 'a,b c:ü@/';
    const setPassword = (text: string) =>
      Promise.all(nodes.map((one) => one.redis.config('SET', 'requirepass', text)));
    const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${node?.port}`;
    await setPassword(password);
    try {
      const client = await connectTo(`${url},${url}`);
      expect(await writeScores(client, scoresAt(idsOf(100), 5))).toBe(100);
      await closeRedis(client);
    } finally {
      await setPassword('');
    }
  });

  test('causes an error report when REDIS_URL names only one of its nodes', async () => {
    const errors: string[] = [];
    const options = { onError: ({ message }: Error) => errors.push(message) };
    const node = await connectRedis(cluster.masters[0]?.url ?? '', 'work', options);
    expect(errors).toEqual([expect.stringMatching(/REDIS_URL names one node .*: name several/)]);
    await closeRedis(node);
  });

  test('accepts writes again after a failover to a replica that does not know the scripts', async () => {
    const ids = idsOf(300, 'failover-');
    expect(await writeScores(redis, scoresAt(ids, 1))).toBe(ids.length);
    const [master] = cluster.masters;
    await master?.kill();
    // This write starts while no node serves the master's slots.
    const written = writeScores(redis, scoresAt(ids, 2));
    await cluster.replica.redis.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
    expect(await written).toBe(ids.length);
    for (const id of ids) expect(await cachedScore(redis, id), id).toMatchObject({ event_time_ms: 2 });
    expect(await writeScores(redis, scoresAt(ids, 1))).toBe(0);
  });

  test('is bypassed by a client that fails fast, when it has stopped or was never reachable', async () => {
    const problems: string[] = [];
    const readWith = (client: RedisClient) =>
      createReadThrough(
        tableSource(profile, (ids) => Promise.resolve(ids.map((id) => profileOf(id)))),
        { redis: client, now: () => NOW, onProblem: ({ reason }) => problems.push(reason) },
      );
    const options = { onError: () => {}, waitSeconds: 0.1 };
    const unreachable = await connectRedis('redis://127.0.0.1:1,redis://127.0.0.1:1', 'serve', options);
    const serving = await connectTo(cluster.url, 'serve');
    try {
      const bypassed = { outcome: 'bypass', value: { kol_id: 'kol-1' } };
      expect(await readWith(unreachable).read('kol-1')).toMatchObject(bypassed);
      expect(problems).toEqual([expect.stringContaining('not connected') as string]);
      expect(await readWith(serving).read('kol-1')).toMatchObject({ outcome: 'hit' });
      await cluster.stop();
      expect(await readWith(serving).read('kol-1')).toMatchObject({ outcome: 'bypass' });
    } finally {
      unreachable.disconnect();
      serving.disconnect();
    }
  });
});
