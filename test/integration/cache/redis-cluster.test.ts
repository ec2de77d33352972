import calculateSlot from 'cluster-key-slot';
import { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { scanEntities } from '../../../cache/redis/scan-entities.ts';
import { fillItem } from '../../../cache/reading/fill-entry.ts';
import { readPartMetadata, writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { measureProfileSize } from '../../../cache/popularity/profile-size.ts';
import { addReads, readMostRead } from '../../../cache/popularity/read-counts.ts';
import { createReadThrough } from '../../../cache/reading/read-through.ts';
import { tableSource, trendingSource } from '../../../cache/reading/entity-sources.ts';
import { createCacheReader } from '../../../cache/reading/cache-reader.ts';
import { readMemoryInfo } from '../../../cache/redis/memory-info.ts';
import { deleteUnlessStreamed } from '../../../cache/writing/delete-entries.ts';
import { refreshTtls } from '../../../cache/writing/refresh-ttl.ts';
import { writeContentRows } from '../../../cache/writing/write-content.ts';
import { EmptyEntryError, IncompleteSetError, replaceSet, writeEntries } from '../../../cache/writing/write-entries.ts';
import { writeScores } from '../../../cache/writing/write-scores.ts';
import { updateTrending, writeContentEvents, writeEngagement } from '../../../cache/writing/write-videos.ts';
import type { Lakehouse } from '../../../clients/lakehouse/lakehouse.ts';
import { closeRedis, connectRedis, type RedisClient } from '../../../clients/redis.ts';
import type { MlApi } from '../../../clients/ml-api.ts';
import { content, type Content } from '../../../domain/entities/content.ts';
import { engagement } from '../../../domain/entities/engagement.ts';
import type { CacheEntry } from '../../../domain/schema/entry.ts';
import { cacheMetadata, type PartMetadata } from '../../../domain/entities/part-metadata.ts';
import { profile, type Profile } from '../../../domain/entities/profile.ts';
import { score, type Score } from '../../../domain/entities/score.ts';
import { trending } from '../../../domain/entities/trending.ts';
import { withPipeline } from '../../chaos/decorators.ts';
import { allKeys, keysWithoutTtl } from '../../support/redis.ts';
import { moveSlot, startRedis, startRedisCluster, type TestCluster } from '../../support/redis-cluster.ts';

/** All that the cache writes and reads, on one Redis and on a cluster of three masters. */
const NOW = new Date('2026-03-01T12:00:00Z');
const ids = (count: number, prefix = 'kol-') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const profileOf = (kolId: string, followers = 7): Profile => ({
  ...profile.fromHash({ kol_id: kolId }),
  followers_count: followers,
});
const contentOf = (contentId: string, views: number, processedAt: string | null = null): Content => ({
  ...content.fromHash({ content_id: contentId }),
  views,
  processed_at: processedAt,
});
const scoreAt = (kolId: string, eventTimeMs: number | null, offset = 0): Score => ({
  kol_id: kolId,
  platform: 'tiktok',
  trust_score: 50,
  trust_label: 'elevated',
  risk_level: 'elevated',
  is_trustworthy: false,
  confidence: 0.5,
  model_version: 'test',
  timestamp: NOW.toISOString(),
  event_time_ms: eventTimeMs,
  source: { topic: 'kol.profiles.raw', partition: 0, offset },
  features_from: 'event',
});

const connect = (url: string, use: 'serve' | 'work' = 'work') =>
  connectRedis(url, use, { onError: () => {} });

const noteOf = (rows: number): PartMetadata => ({
  warmed_at: NOW.toISOString(),
  run_id: 'test',
  trigger: 'cli',
  keys: rows,
  read_at: NOW.toISOString(),
  rows,
  tableRows: {},
  snapshots: {},
  shape: '',
  sets: {},
});

/** Ids of all profiles that a walk over the cache meets. */
async function walked(redis: RedisClient): Promise<string[]> {
  const found = new Set<string>();
  for await (const page of scanEntities(redis, profile)) for (const { id } of page) found.add(id);
  return [...found].sort();
}

/** What is cached of a KOL. */
async function scoreOf(redis: RedisClient, kolId: string): Promise<Score | null> {
  const json = await redis.get(score.key(kolId));
  return json === null ? null : score.fromString(json);
}

describe.each([
  ['one Redis', startRedis],
  ['a cluster', startRedisCluster],
])('on %s', (_name, start) => {
  let servers: Awaited<ReturnType<typeof start>>;
  let redis: RedisClient;
  beforeAll(async () => {
    servers = await start();
    redis = await connect(servers.url);
  });
  afterAll(async () => {
    await closeRedis(redis);
    await servers.stop();
  });
  afterEach(() => Promise.all(servers.masters.map((node) => node.redis.flushall())));

  test('entries of every type are spread over all nodes, replaced whole, and expire', async () => {
    const entries = ids(700).map((id, index): CacheEntry => {
      const about = { key: `test:${id}`, ttlSeconds: 100 };
      if (index % 4 === 0) return { ...about, type: 'hash', fields: { a: '1', b: 'ü' } };
      if (index % 4 === 1) return { ...about, type: 'string', value: id };
      if (index % 4 === 2) return { ...about, type: 'list', items: ['x', 'y', 'x'] };
      return { ...about, type: 'zset', members: [['m', 0.1], ['n', 9007199254740991]] }; // prettier-ignore
    });
    // Of another type, and with a field that the new value does not have.
    await redis.set('test:kol-2', 'old');
    await redis.hset('test:kol-0', 'c', 'old');
    expect(await writeEntries(redis, entries)).toMatchObject({ keys: 700 });

    expect(await allKeys(redis)).toHaveLength(700);
    expect(await keysWithoutTtl(redis)).toEqual([]);
    const sizes = await Promise.all(servers.masters.map((node) => node.redis.dbsize()));
    expect(Math.min(...sizes)).toBeGreaterThan(100);
    expect(await redis.hgetall('test:kol-0')).toEqual({ a: '1', b: 'ü' });
    expect(await redis.get('test:kol-1')).toBe('kol-1');
    expect(await redis.lrange('test:kol-2', 0, -1)).toEqual(['x', 'y', 'x']);
    const scores = ['m', 'n'].map((member) => redis.zscore('test:kol-3', member));
    expect((await Promise.all(scores)).map(Number)).toEqual([0.1, 9007199254740991]);
    expect(await redis.ttl('test:kol-3')).toBeGreaterThan(95);
  });

  test('an entry may have more members than Lua unpacks at once; an empty one is refused before anything is written', async () => {
    const members = ids(9001).map((id, index) => [id, index] as const);
    const fields = Object.fromEntries(ids(9001).map((id) => [id, id]));
    await writeEntries(redis, [
      { key: 'test:zset', ttlSeconds: 9, type: 'zset', members },
      { key: 'test:hash', ttlSeconds: 9, type: 'hash', fields },
    ]);
    expect(await redis.zscore('test:zset', 'kol-9000')).toBe('9000');
    expect([await redis.zcard('test:zset'), await redis.hlen('test:hash')]).toEqual([9001, 9001]);
    const some: CacheEntry = { key: 'test:some', ttlSeconds: 9, type: 'list', items: ['a'] };
    await expect(writeEntries(redis, [some, { ...some, key: 'test:none', items: [] }])).rejects.toThrow(
      EmptyEntryError,
    );
    expect(await redis.exists('test:some')).toBe(0);
  });

  test('sets are replaced whole by several writers at once, and leave nothing beside them', async () => {
    const setOf = (key: string, value: string): CacheEntry => ({
      key,
      ttlSeconds: 100,
      type: 'list',
      items: Array.from({ length: 2500 }, () => value),
    });
    const keys = ids(6, 'test:set-');
    await Promise.all(
      keys.flatMap((key) => ['a', 'b', 'c'].map((value) => replaceSet(redis, setOf(key, value)))),
    );
    expect(await allKeys(redis)).toEqual(keys);
    expect(await keysWithoutTtl(redis)).toEqual([]);
    for (const key of keys) {
      const items = await redis.lrange(key, 0, -1);
      expect(items).toHaveLength(2500);
      expect(new Set(items).size).toBe(1);
    }
  });

  test.each([
    ['is lost', (beside: string) => redis.unlink(beside)],
    ['is there twice', (beside: string) => redis.rpush(beside, 'new')],
  ])(
    'a large set of which a part %s before it is whole does not replace the old one',
    async (_what, harm) => {
      const setOf = (value: string): CacheEntry => ({
        key: 'test:set',
        ttlSeconds: 100,
        type: 'list',
        items: Array.from({ length: 2500 }, () => value),
      });
      await replaceSet(redis, setOf('old'));
      let harmed = 0;
      const unlucky = withPipeline(redis, (pipeline) => {
        const exec = pipeline.exec.bind(pipeline);
        pipeline.exec = async () => {
          const replies = await exec();
          const [beside] = (await allKeys(redis)).filter((key) => key !== 'test:set');
          if (beside !== undefined && harmed++ === 0) await harm(beside);
          return replies;
        };
        return pipeline;
      });
      await expect(replaceSet(unlucky, setOf('new'))).rejects.toThrow(IncompleteSetError);
      expect(harmed).toBeGreaterThan(0);
      expect(new Set(await redis.lrange('test:set', 0, -1))).toEqual(new Set(['old']));
      expect(await redis.llen('test:set')).toBe(2500);
      expect(await keysWithoutTtl(redis)).toEqual([]);
    },
  );

  test('members that repeat are no reason to refuse a large set', async () => {
    const members = ids(2400).map((id, index) => [id.replace(/7$/, '8'), index] as const);
    await replaceSet(redis, { key: 'test:zset', ttlSeconds: 100, type: 'zset', members });
    expect(await redis.zcard('test:zset')).toBe(2160);
    const fields = Object.fromEntries(ids(2400).map((id) => [id, id]));
    await replaceSet(redis, { key: 'test:hash', ttlSeconds: 100, type: 'hash', fields });
    expect(await redis.hlen('test:hash')).toBe(2400);
    expect(await allKeys(redis)).toEqual(['test:hash', 'test:zset']);
  });

  test('what is cached can be walked over, measured and noted', async () => {
    const cached = ids(2500).sort();
    await writeEntries(redis, cached.map((id) => profile.toEntry(id, profileOf(id), NOW.toISOString()))); // prettier-ignore
    await writeEntries(redis, [{ key: 'test:other', ttlSeconds: 9, type: 'list', items: ['x'] }]);
    expect(await walked(redis)).toEqual(cached);
    expect(await readMemoryInfo(redis)).toMatchObject({ keys: 2501, maxBytes: 0, policy: 'noeviction' });
    expect(await measureProfileSize(redis)).toBeLessThan(1000); // what it takes for usual where it finds none
    await writePartMetadata(redis, 'profiles', noteOf(7));
    await writePartMetadata(redis, 'stats', noteOf(8));
    expect(await readPartMetadata(redis, 'profiles')).toMatchObject({ rows: 7 });
    expect(await readPartMetadata(redis, 'stats')).toMatchObject({ rows: 8 });
    expect(await redis.ttl(cacheMetadata.key)).toBeGreaterThan(cacheMetadata.ttlSeconds - 60);
  });

  test('thousands of scores by two writers in any order end with the newest of each KOL', async () => {
    const kols = ids(60);
    // Two events of each time, told apart by their offsets.
    const all = kols.flatMap((id) =>
      Array.from({ length: 50 }, (_, version) => scoreAt(id, 1000 + Math.floor(version / 2), version)),
    );
    const writers = await Promise.all([connect(servers.url), connect(servers.url)]);
    try {
      const order = all
        .map((value) => ({ value, place: Math.random() }))
        .sort((a, b) => a.place - b.place)
        .map(({ value }) => value);
      await Promise.all(
        writers.map(async (writer, index) => {
          const mine = order.filter((_, place) => place % 2 === index);
          for (let from = 0; from < mine.length; from += 75)
            await writeScores(writer, mine.slice(from, from + 75));
        }),
      );
    } finally {
      await Promise.all(writers.map(closeRedis));
    }
    for (const id of kols)
      expect(await scoreOf(redis, id)).toMatchObject({ event_time_ms: 1024, source: { offset: 49 } });
    expect(await keysWithoutTtl(redis)).toEqual([]);
    expect(await writeScores(redis, all)).toBe(kols.length); // the newest again; the others are refused
    expect(
      await writeScores(
        redis,
        kols.map((id) => scoreAt(id, null)),
      ),
    ).toBe(0);
  });

  test('video details and engagement give way to newer events only, and to no older row of the lakehouse', async () => {
    const items = ids(90, 'video-');
    const event = (id: string, eventTimeMs: number, views: number) => ({
      content: contentOf(id, views),
      event_time_ms: eventTimeMs,
      offset: 1,
    });
    const views = async () =>
      (await Promise.all(items.map((id) => redis.hget(content.key(id), 'views')))).map(Number);
    expect(await writeContentEvents(redis, items.map((id) => event(id, 2000, 20)), NOW)).toBe(90); // prettier-ignore
    expect(await writeContentEvents(redis, items.map((id) => event(id, 1000, 10)), NOW)).toBe(0); // prettier-ignore
    const row = (at: number) => items.map((id) => contentOf(id, 30, new Date(at).toISOString()));
    expect(await writeContentRows(redis, row(1999), NOW)).toBe(0);
    expect(new Set(await views())).toEqual(new Set([20]));
    expect(await writeContentRows(redis, row(2001).slice(0, 45), NOW)).toBe(45);
    expect(await views()).toEqual(items.map((_, index) => (index < 45 ? 30 : 20)));

    const remember = (eventTimeMs: number) =>
      items.map((id) => ({
        engagement: { kol_id: id, content_id: id, engagement_rate: eventTimeMs },
        event_time_ms: eventTimeMs,
        offset: 1,
      }));
    expect(await writeEngagement(redis, remember(5))).toBe(90);
    expect(await writeEngagement(redis, remember(4))).toBe(0);
    expect(await redis.hget(engagement.key('video-7'), 'engagement_rate')).toBe('5');

    // Rows replaced the first half, so that no event is known of it.
    const keys = items.map(content.key);
    expect(await refreshTtls(redis, keys.map((key) => ({ key, ttlSeconds: 5000 })))).toBe(true); // prettier-ignore
    expect(await redis.ttl(content.key('video-89'))).toBeGreaterThan(4900);
    expect(await deleteUnlessStreamed(redis, keys)).toBe(45);
    expect(await refreshTtls(redis, keys.map((key) => ({ key, ttlSeconds: 5000 })))).toBe(false); // prettier-ignore
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('items move in the trending lists of their platform and of all', async () => {
    for (const platform of ['all', 'tiktok', 'youtube']) {
      const items = [10, 9, 8].map((heat) => ({ content_id: `${platform}-${heat}`, heat }));
      await replaceSet(redis, trending.toHeatEntry(platform, items));
      await replaceSet(redis, trending.toEntry(platform, items.map(({ content_id }) => content_id))); // prettier-ignore
    }
    const move = (platform: string, heat: number) => ({ content_id: 'new', platform, heat, mayEnter: true });
    expect(await updateTrending(redis, [move('tiktok', 9.5), move('youtube', 1)])).toBe(4);
    const list = (platform: string) => redis.lrange(trending.key(platform), 0, -1);
    expect(await list('tiktok')).toEqual(['tiktok-10', 'new', 'tiktok-9', 'tiktok-8']);
    expect(await list('youtube')).toEqual(['youtube-10', 'youtube-9', 'youtube-8', 'new']);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('reads are counted', async () => {
    await addReads(redis, new Map(ids(250).map((id, index) => [id, index + 1])));
    const counted = await readMostRead(redis, new Date());
    expect(counted).toHaveLength(250);
    expect(counted[0]?.id).toBe('kol-249');
  });

  test('many profiles are found at once by a client that fails fast, and what is missing is filled', async () => {
    const serving = await connect(servers.url, 'serve');
    const problems: unknown[] = [];
    const dependencies = {
      redis: serving,
      now: () => NOW,
      onProblem: (problem: unknown) => problems.push(problem),
    };
    try {
      const cached = ids(200);
      await writeEntries(redis, cached.map((id) => profile.toEntry(id, profileOf(id), NOW.toISOString()))); // prettier-ignore
      // Nothing of these is asked here.
      const reader = createCacheReader({
        ...dependencies,
        lakehouse: {} as Lakehouse,
        mlApi: {} as MlApi,
        onRejected: () => {},
      });
      const found = await reader.cachedProfiles([...cached, 'missing']);
      expect([...found.keys()]).toEqual(cached);
      expect(found.get('kol-7')).toMatchObject({ kol_id: 'kol-7', followers_count: 7 });

      const one = createReadThrough(
        tableSource(profile, (wanted) => Promise.resolve(wanted.map((id) => profileOf(id, 9)))),
        dependencies,
      );
      const outcomes = async () =>
        (await Promise.all(ids(50, 'new-').map(one))).map(({ outcome }) => outcome);
      expect(new Set(await outcomes())).toEqual(new Set(['miss']));
      expect(new Set(await outcomes())).toEqual(new Set(['hit']));
      expect(await one('kol-7')).toMatchObject({ outcome: 'hit', value: { followers_count: 7 } });
      // Somebody was quicker: what they wrote stays.
      const entry = profile.toEntry('kol-7', profileOf('kol-7', 1), NOW.toISOString());
      expect(await fillItem(serving, entry, { state: 'absent' })).toBe(false);

      const list = createReadThrough(
        {
          ...trendingSource({} as Lakehouse, () => NOW, { onRejected: () => {} }),
          load: () => Promise.resolve(['a', 'b']),
        },
        dependencies,
      );
      expect(await list('tiktok')).toMatchObject({ outcome: 'miss', value: ['a', 'b'] });
      expect(await list('tiktok')).toMatchObject({ outcome: 'hit', value: ['a', 'b'] });
      expect(problems).toEqual([]);
    } finally {
      await closeRedis(serving);
    }
  });

  test('the first error that Redis answers is thrown', async () => {
    await redis.set('test:text', 'x');
    const hash: CacheEntry = { key: 'test:hash', ttlSeconds: -1, type: 'hash', fields: { a: '1' } };
    await writeEntries(redis, [{ ...hash, ttlSeconds: 10 }]);
    await expect(
      writeEntries(redis, [{ ...hash, ttlSeconds: Number.NaN }, ...ids(30).map((key) => ({ ...hash, key }))]),
    ).rejects.toThrow(/not an integer/);
  });
});

describe('a cluster that changes', () => {
  /** What carries it is in the slot of the notes of warms. */
  const TAG = `{${cacheMetadata.key}}`;
  const moved = ids(8, TAG);
  const others = ids(200);
  let cluster: TestCluster;
  let redis: RedisClient;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = await connect(cluster.url);
  });
  afterAll(async () => {
    await closeRedis(redis);
    await cluster.stop();
  });

  /** The slot of a key, and who has it. */
  const owner = (key: string) => {
    const slot = calculateSlot(key);
    const [node] = redis instanceof Cluster ? (redis.slots[slot] ?? []) : [];
    const from = cluster.masters.find(({ port }) => node === `127.0.0.1:${port}`);
    if (from === undefined) throw new Error('nobody has the slot');
    return { slot, from };
  };

  test('takes every write while a slot moves to a node that the client has never seen', async () => {
    const set = (value: string): CacheEntry => ({
      key: `test:${TAG}:set`,
      ttlSeconds: 100,
      type: 'list',
      items: Array.from({ length: 1500 }, () => value),
    });
    let time = 0;
    /** Some keys are in the slot, most are elsewhere; half of them are new each time. */
    const write = async () => {
      time += 1;
      const all = [...moved, ...ids(8, `${TAG}-${time}-`), ...others];
      const at = time;
      expect(await writeScores(redis, all.map((id) => scoreAt(id, at)))).toBe(all.length); // prettier-ignore
      await writeEntries(redis, all.map((id) => profile.toEntry(id, profileOf(id, at), NOW.toISOString()))); // prettier-ignore
    };
    await write();
    await replaceSet(redis, set('before'));
    const { slot, from } = owner(TAG);
    const bystanders = cluster.masters.filter((node) => node !== from);
    const reader = createCacheReader({
      redis,
      now: () => NOW,
      lakehouse: {} as Lakehouse,
      mlApi: {} as MlApi,
      onProblem: ({ reason }) => expect.unreachable(reason),
      onRejected: () => {},
    });
    let replaced: Promise<unknown> | undefined;
    await writePartMetadata(redis, 'profiles', noteOf(0));
    await moveSlot(slot, from, cluster.spare, bystanders, async (step) => {
      // By a client that no other answer has told of the new node.
      const fresh = await connect(cluster.url);
      try {
        await writePartMetadata(fresh, 'profiles', noteOf(time));
        expect(await readPartMetadata(fresh, 'profiles')).toMatchObject({ rows: time });
      } finally {
        await closeRedis(fresh);
      }
      await write();
      expect((await reader.cachedProfiles([...moved, ...others])).size).toBe(moved.length + others.length);
      // It can be renamed when both its keys are on one node, so that it waits for the move.
      if (step === 'half-moved') replaced = replaceSet(redis, set('meanwhile'));
    });
    await replaced;
    await write();
    await replaceSet(redis, set('after'));
    expect((await reader.cachedProfiles([...moved, ...others])).size).toBe(moved.length + others.length);

    for (const id of [...moved, ...others]) {
      expect(await scoreOf(redis, id), id).toMatchObject({ event_time_ms: time });
      expect(await redis.hget(profile.key(id), 'followers_count'), id).toBe(String(time));
    }
    expect(await writeScores(redis, moved.map((id) => scoreAt(id, 1)))).toBe(0); // prettier-ignore
    expect(await redis.lindex(set('').key, 0)).toBe('after');
    expect(await cluster.spare.redis.exists(score.key(moved[0] ?? ''))).toBe(1);
    expect(await keysWithoutTtl(redis)).toEqual([]);
  });

  test('can be walked over and measured while a slot moves between nodes that the client knows', async () => {
    // The node whose profiles are measured takes the slot: it then has keys that it does not answer for.
    const first = redis instanceof Cluster ? redis.nodes('master')[0]?.options.port : undefined;
    const to = [...cluster.masters, cluster.spare].find(({ port }) => port === first);
    const tag = ids(20).map((id) => `{${id}}`).find((id) => owner(id).from !== to); // prettier-ignore
    if (to === undefined || tag === undefined) throw new Error('no slot that could be moved');
    const { slot, from } = owner(tag);
    const some = [...ids(8, tag), ...ids(200, 'walked-')].sort();
    await writeEntries(redis, some.map((id) => profile.toEntry(id, profileOf(id), NOW.toISOString()))); // prettier-ignore
    const bystanders = [...cluster.masters, cluster.spare].filter((node) => node !== from && node !== to);
    let walks = 0;
    const walk = async () => {
      expect(await walked(redis)).toEqual(expect.arrayContaining(some));
      expect(await measureProfileSize(redis)).toBeLessThan(1000);
      walks += 1;
    };
    await moveSlot(slot, from, to, bystanders, walk);
    await walk();
    expect(walks).toBe(4);
  });

  test('is reached as a whole by the address of one node, with its password', async () => {
    const [node] = cluster.masters;
    const nodes = [...cluster.masters, cluster.spare];
    const password = 'a,b c:ü@/';
    const passwordOfAll = (text: string) =>
      Promise.all(nodes.map((one) => one.redis.config('SET', 'requirepass', text)));
    const url = `redis://:${encodeURIComponent(password)}@127.0.0.1:${node?.port}`;
    await passwordOfAll(password);
    try {
      const client = await connect(`${url},${url}`);
      expect(await writeScores(client, ids(100).map((id) => scoreAt(id, 5)))).toBe(100); // prettier-ignore
      await closeRedis(client);
    } finally {
      await passwordOfAll('');
    }
  });

  test('is told from one Redis, when only one node of it is named', async () => {
    const errors: string[] = [];
    const options = { onError: ({ message }: Error) => errors.push(message) };
    const node = await connectRedis(cluster.masters[0]?.url ?? '', 'work', options);
    expect(errors).toEqual([expect.stringMatching(/REDIS_URL names one node .*: name several/)]);
    await closeRedis(node);
  });

  test('goes on with a replica that does not know the scripts, after its master was killed', async () => {
    const all = ids(300, 'failover-');
    expect(await writeScores(redis, all.map((id) => scoreAt(id, 1)))).toBe(all.length); // prettier-ignore
    const [master] = cluster.masters;
    await master?.kill();
    // Begun while nobody has the slots.
    const written = writeScores(redis, all.map((id) => scoreAt(id, 2))); // prettier-ignore
    await cluster.replica.redis.call('CLUSTER', 'FAILOVER', 'TAKEOVER');
    expect(await written).toBe(all.length);
    for (const id of all) expect(await scoreOf(redis, id), id).toMatchObject({ event_time_ms: 2 });
    expect(await writeScores(redis, all.map((id) => scoreAt(id, 1)))).toBe(0); // prettier-ignore
  });

  test('is passed over by a client that fails fast, when it is gone or was never there', async () => {
    const problems: string[] = [];
    const one = (client: RedisClient) =>
      createReadThrough(
        tableSource(profile, (wanted) => Promise.resolve(wanted.map((id) => profileOf(id)))),
        { redis: client, now: () => NOW, onProblem: ({ reason }) => problems.push(reason) },
      );
    const options = { onError: () => {}, waitSeconds: 0.1 };
    const away = await connectRedis('redis://127.0.0.1:1,redis://127.0.0.1:1', 'serve', options);
    const serving = await connect(cluster.url, 'serve');
    try {
      expect(await one(away)('kol-1')).toMatchObject({ outcome: 'bypass', value: { kol_id: 'kol-1' } });
      expect(problems).toEqual([expect.stringContaining('not connected') as string]);
      expect(await one(serving)('kol-1')).toMatchObject({ outcome: 'hit' });
      await cluster.stop();
      expect(await one(serving)('kol-1')).toMatchObject({ outcome: 'bypass' });
    } finally {
      away.disconnect();
      serving.disconnect();
    }
  });
});
