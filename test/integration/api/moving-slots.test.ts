import calculateSlot from 'cluster-key-slot';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { replaceSet } from '../../../cache/writing/replace-set.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { closeRedis, readRedisTime, type RedisClient } from '../../../clients/redis.ts';
import { profileList } from '../../../domain/entities/profile-list.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { ranking } from '../../../domain/entities/ranking.ts';
import { score } from '../../../domain/entities/score.ts';
import { searchIndex } from '../../../domain/entities/search-index.ts';
import { switches } from '../../../domain/entities/switches.ts';
import { buildSearchIndex } from '../../../domain/search/build-index.ts';
import { groupBy } from '../../../domain/values/lists.ts';
import { ALL } from '../../../domain/values/text-ids.ts';
import { apiConfig, cacheStatus, startApi, TOKEN, withToken, type RunningApi } from '../../support/api.ts';
import { idsOf, profileEntries, profileOf, scoreAt } from '../../support/cache-values.ts';
import {
  moveSlot,
  startRedisCluster,
  type RedisNode,
  type TestCluster,
} from '../../support/redis-cluster.ts';
import { connectTo } from '../../support/redis-targets.ts';
import { queryColumn } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const SWITCHES = '/api/v1/cache/switches';
const pathOf = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;

/** Ids that many requests read while a slot moves. */
const loaded = idsOf(50);

describe('while a slot of the cluster moves, with requests all the time,', () => {
  let cluster: TestCluster;
  let redis: RedisClient;
  let api: RunningApi;
  /** Ids of the lakehouse by the slot of their profile. */
  let bySlot: ReadonlyMap<number, readonly string[]>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
    redis = await connectTo(cluster.url);
    api = await start();
    await writeEntries(redis, profileEntries(loaded));
    await api.get(pathOf('first')); // checks the columns
    const ids = await queryColumn(
      apiConfig().TRINO_URL,
      'SELECT kol_id FROM iceberg.kol_silver.kol_profiles',
    );
    bySlot = groupBy(ids, (id) => calculateSlot(profile.key(id)));
  });
  const apis: RunningApi[] = [];
  afterEach(() => Promise.all(apis.splice(1).map((each) => each.close())));
  afterAll(async () => {
    await Promise.all(apis.map((each) => each.close()));
    await closeRedis(redis);
    await cluster.stop();
  });

  async function start(more: Readonly<Record<string, string>> = {}): Promise<RunningApi> {
    const started = await startApi({ REDIS_URL: cluster.url, API_TOKEN: TOKEN, ...more });
    apis.push(started);
    return started;
  }

  /** The node that has a slot now. */
  async function ownerOf(slot: number): Promise<RedisNode> {
    const ranges = (await cluster.masters[0]?.redis.cluster('SLOTS')) ?? [];
    const [, , [, port = 0] = []] = ranges.find(([first, last]) => first <= slot && slot <= last) ?? [];
    const owner = [...cluster.masters, cluster.spare].find((node) => node.port === port);
    if (owner === undefined) throw new Error(`no master owns slot ${slot}`);
    return owner;
  }

  /** Moves the slot of a key to the spare node, which clients may not know, and calls `check` at each step and at the end. */
  async function whileMoving(slot: number, check: (step: string) => Promise<void>): Promise<void> {
    const from = await ownerOf(slot);
    const nodes = [...cluster.masters, cluster.spare].filter(
      (node) => node !== from && node !== cluster.spare,
    );
    let isMoving = true;
    const statuses = new Set<number>();
    const load = async () => {
      for (let read = 0; isMoving; read += 1)
        statuses.add((await api.get(pathOf(loaded[read % loaded.length] ?? ''))).status);
    };
    const loads = [load(), load(), load(), load()];
    try {
      await moveSlot(slot, from, cluster.spare, nodes, check);
      await check('ended');
    } finally {
      isMoving = false;
      await Promise.all(loads);
    }
    expect([...statuses]).toEqual([200]);
  }

  async function writeIndex(): Promise<void> {
    const kols = [{ kol_id: 'duc', names: ['Đức'], followers_count: 900 }];
    const readAt = await readRedisTime(redis); // after the erasures of other tests
    await replaceSet(redis, searchIndex.toEntry('tiktok', buildSearchIndex(kols, 100)), readAt);
    await replaceSet(redis, searchIndex.toEntry(ALL, ['tiktok']), readAt);
  }

  test('a miss is stored, and then found in Redis', async () => {
    const [slot, ids] = [...bySlot].find(([, each]) => each.length >= 7) ?? [0, []];
    const unread = [...ids];
    // cached ones; some of them move first
    for (const id of unread.splice(0, 3)) expect((await api.get(pathOf(id))).status).toBe(200);
    await whileMoving(slot, async (step) => {
      const id = unread.pop() ?? '';
      const miss = await api.get(pathOf(id));
      expect([step, miss.status, cacheStatus(miss)]).toEqual([step, 200, 'kol-redis; fwd=uri-miss; stored']);
      expect(cacheStatus(await api.get(pathOf(id)))).toMatch(/^kol-redis; hit/);
    });
  });

  test('a set is answered, stored or not, and stored when the slot has moved', async () => {
    const url = '/api/v1/kols/top?platform=tiktok';
    const key = ranking.key('followers', 'tiktok', 100);
    await whileMoving(calculateSlot(key), async (step) => {
      await redis.del(key);
      const { status, headers } = await api.get(url);
      expect([step, status]).toEqual([step, 200]);
      expect(headers.get('cache-status')).toMatch(/^kol-redis; fwd=uri-miss/);
    });
    expect(cacheStatus(await api.get(url))).toMatch(/^kol-redis; hit/);
  });

  test('the switches change, in every process', async () => {
    const other = await start();
    let isOn = true;
    await whileMoving(calculateSlot(switches.key), async () => {
      isOn = !isOn;
      const changed = await api.send('PATCH', SWITCHES, { early_refresh: isOn }, withToken);
      expect([changed.status, changed.json['early_refresh']]).toEqual([200, isOn]);
      await until(
        'it is in force',
        async () => (await other.get(SWITCHES, withToken)).json['early_refresh'] === isOn,
      );
    });
  });

  test('a KOL is erased from its own keys, and from the lists whose slot moves', async () => {
    const erased = idsOf(8, 'erased-');
    const list = profileList.key('tiktok');
    await writeEntries(redis, [
      ...profileEntries(erased),
      profileList.toEntry(
        'tiktok',
        [...erased, 'kept'].map((id) => profileOf(id)),
      ),
    ]);
    const erase = async (step: string) => {
      const id = erased.pop() ?? '';
      const { status, json } = await api.send('DELETE', pathOf(id), undefined, withToken);
      expect([step, status, json['removed']]).toMatchObject([step, 200, { profile: 1, profile_list: 1 }]);
      expect([await redis.exists(profile.key(id)), (await redis.get(list))?.includes(`"${id}"`)]).toEqual([
        0,
        false,
      ]);
    };
    await whileMoving(calculateSlot(list), erase);
    await whileMoving(calculateSlot(profile.key('erased-2')), erase);
    expect(await redis.get(list)).toContain('"kept"');
  });

  test('several ids, scores and recent searches are answered from Redis, and values are invalidated', async () => {
    const tag = '{moving}';
    const ids = idsOf(20, tag);
    const list = ids.map(encodeURIComponent).join(',');
    await writeIndex();
    await writeEntries(redis, profileEntries(ids));
    const searches: string[] = [];
    await whileMoving(calculateSlot(profile.key(tag)), async (step) => {
      await writeEntries(
        redis,
        ids.map((id) => score.toEntry(scoreAt(id, 1))),
      );
      for (const kind of ['kols', 'scores']) {
        const read = await api.get(`/api/v1/${kind}?ids=${list},${loaded[0]}`);
        const found = (read.json['items'] as { kol_id: string }[]).map(({ kol_id }) => kol_id);
        expect([step, read.status, found]).toEqual([step, 200, kind === 'kols' ? [...ids, loaded[0]] : ids]);
        if (kind === 'kols') expect(cacheStatus(read)).toBe('kol-redis; hit');
      }
      searches.unshift(step);
      const user = encodeURIComponent(`${tag}user`);
      expect((await api.get(`/api/v1/search?q=${step}&user_id=${user}`, withToken)).status).toBe(200);
      const recent = await api.get(`/api/v1/users/${user}/searches`, withToken);
      expect([step, recent.json['items']]).toEqual([step, searches]);
      const status = await api.get('/api/v1/cache/status', withToken);
      expect([step, status.status]).toEqual([step, 200]);
      for (const body of [{ kinds: ['score'], ids: [ids[0]] }, { kinds: ['score'] }]) {
        const { json } = await api.send('POST', '/api/v1/cache/invalidate', body, withToken);
        expect([step, json['deleted']]).toEqual([step, 'ids' in body ? 1 : ids.length - 1]);
      }
    });
  });

  test('a search finds the KOLs', async () => {
    await writeIndex();
    await whileMoving(calculateSlot(searchIndex.key('tiktok')), async (step) => {
      const { status, json } = await api.get('/api/v1/search?q=duc');
      expect([step, status, json['items']]).toMatchObject([step, 200, [{ kol_id: 'duc' }]]);
    });
  });

  test('the rate limit counts in Redis', async () => {
    const limited = await start({ API_RATE_LIMIT: '1000' });
    const key = 'api:rate:127.0.0.1';
    await limited.get(pathOf(loaded[0] ?? ''));
    await redis.del(key); // so that it does not expire during the test
    await whileMoving(calculateSlot(key), async (step) => {
      const before = Number(await redis.get(key));
      for (let request = 0; request < 40; request += 1)
        expect([step, (await limited.get(pathOf(loaded[0] ?? ''))).status]).toEqual([step, 200]);
      // A portion is 20 requests.
      expect(Number(await redis.get(key)) - before).toBeGreaterThanOrEqual(40);
    });
  });
});
