import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { leaseKey } from '../../../cache/reading/leases.ts';
import { writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { readStates, type ReadState } from '../../../docs/generate/read-states.ts';
import { filteredIds, knownIds } from '../../../domain/entities/known-ids.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { switches } from '../../../domain/entities/switches.ts';
import { addToFilter, createBloomFilter } from '../../../domain/values/bloom-filter.ts';
import {
  API_TRINO_USER,
  apiConfig,
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  useRedis,
  withToken,
} from '../../support/api.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { startHeldTrino } from '../../support/held-trino.ts';
import { startRelay } from '../../support/relay.ts';
import { queryColumn, queryTrino } from '../../support/trino.ts';
import { until } from '../../support/until.ts';

const redis = await useRedis();
const { TRINO_URL, REDIS_URL } = apiConfig();
/** KOLs of the lakehouse: one for each state, so that the queries of one state are not those of another. */
let known: string[];
beforeAll(async () => {
  const sql = `SELECT kol_id FROM iceberg.kol_silver.kol_profiles ORDER BY 1 LIMIT ${readStates.length}`;
  known = await queryColumn(TRINO_URL, sql);
});

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const EXPIRING = 'L1 has it, and its TTL has ended';

/** Writes the state of a value to Redis, without what ends by itself: see `startTimes`. */
async function fillRedis({ memory, redis: held, lakehouse, off }: ReadState, id: string) {
  const isCached = memory === EXPIRING || !/^(does not have|has the (lease|filter)|has a lease)/.test(held);
  if (isCached) await writeEntries(redis, profileEntries([id]));
  if (held === 'has some of its fields') await redis.hdel(profile.key(id), 'username', 'platform');
  if (held === 'has it without TTL') await redis.persist(profile.key(id));
  if (held.includes('filter')) await writeFilter();
  if (lakehouse === 'lost it with most rows') await pretendShrinkage();
  if (off !== undefined)
    await redis.hset(switches.key, switches.toFields(off === 'l1' ? { l1: false } : { readThrough: false }));
  if (memory === EXPIRING) await redis.hset(switches.key, switches.toFields({ earlyRefresh: false }));
}

/** Writes what Redis has for a few seconds only. Call it immediately before the read: an API can take longer to start. */
async function startTimes({ redis: held }: ReadState, id: string) {
  if (held.includes('lease'))
    await redis.set(leaseKey(profile.key(id)), held.includes('nothing') ? 'nothing' : 'other', 'EX', 3);
  if (held.includes('near the end')) await redis.expire(profile.key(id), 5);
}

/** Creates the state of Redis, and starts an API with the given state in memory. */
async function arrange(state: ReadState, id: string) {
  const { memory, redis: held, lakehouse } = state;
  await fillRedis(state, id);
  const { host, pathname } = new URL(REDIS_URL);
  const relay = await startRelay(host);
  const trino = await startHeldTrino(TRINO_URL);
  cleanUps.push(() => trino.close());
  const api = await startApi({
    API_TOKEN: TOKEN,
    API_L1_MEGABYTES: '8',
    API_L1_TTL_SECONDS: '60',
    REDIS_URL: `redis://127.0.0.1:${relay.port}${pathname}`,
    TRINO_URL: lakehouse === 'does not answer' ? `http://${UNREACHABLE_ADDRESS}` : trino.url,
    ...(lakehouse === 'hangs' ? { API_DEADLINE_SECONDS: '3' } : {}),
  });
  cleanUps.push(() => api.close());
  const read = (headers: Readonly<Record<string, string>> = {}) =>
    api.get(`/api/v1/kols/${encodeURIComponent(id)}`, headers);
  const isLocal = async (maxTtl = Infinity) => {
    const [, ttl] = /^kol-l1; hit; ttl=(\d+)/.exec(cacheStatus(await read()) ?? '') ?? [];
    return Number(ttl) <= maxTtl;
  };
  if (memory === 'L1 has it' || memory === EXPIRING) await until('L1 has it', isLocal);
  if (memory === EXPIRING) {
    await redis.expire(profile.key(id), 5);
    await until('L1 has it with this TTL', () => isLocal(5));
  }
  // Of a table that shrank, "not found" is not remembered.
  if (memory === 'that it does not exist' || lakehouse === 'lost it with most rows') await read();
  if (held === 'does not answer') {
    await relay.close();
    await until('Redis is away', async () =>
      JSON.stringify((await api.get('/readyz')).json).includes('down'),
    );
  } else cleanUps.push(() => relay.close());
  if (memory === 'what it read without Redis') await read();
  if (memory === EXPIRING) {
    await until('it has expired', async () => (await redis.exists(profile.key(id))) === 0);
    await sleep(1000); // the TTL in the header is in whole seconds
  }
  if (held === 'hangs') relay.silence();
  if (lakehouse === 'hangs') {
    await until('the columns are checked', async () => (await api.get('/api/v1/kols/first')).status === 404);
    trino.hold();
  }
  return read;
}

/** Writes a filter of known ids, of the version that the table has now. */
async function writeFilter() {
  const [[id, since] = []] = (await queryTrino(
    TRINO_URL,
    `SELECT CAST(snapshot_id AS VARCHAR), (SELECT to_iso8601(max(made_current_at)) FROM iceberg.kol_silver."kol_profiles$history")
     FROM iceberg.kol_silver."kol_profiles$refs" WHERE name = 'main'`,
  )) as [string, string][];
  const version = knownIds.versionOf('kol_profiles', {
    kol_profiles: { kind: 'snapshot', id: id ?? '', since: since ?? '' },
  });
  const filter = createBloomFilter(known.length);
  for (const each of known) addToFilter(filter, each);
  const text = Buffer.from(filter).toString('base64');
  await writeEntries(redis, [
    knownIds.toEntry(filteredIds.profiles.name, version ?? '', text, known.length, new Date()),
  ]);
}

/** Records a warm of ten times as many profiles, from another version of the table. */
async function pretendShrinkage() {
  const [before] = await queryColumn(
    TRINO_URL,
    'SELECT CAST(10 * count(*) AS VARCHAR) FROM iceberg.kol_silver.kol_profiles',
  );
  const now = new Date().toISOString();
  await writePartMetadata(redis, 'profiles', {
    ...{ warmed_at: now, read_at: now, run_id: '', trigger: 'manual', keys: 0, rows: 0, shape: '', sets: {} },
    tableRows: { kol_profiles: Number(before) },
    versions: { kol_profiles: 'another' },
  });
}

/** Queries of the API for an id. */
const queriesFor = async (id: string) => {
  const sql = `SELECT query_id FROM system.runtime.queries WHERE "user" = '${API_TRINO_USER}'
    AND query LIKE '%kol_profiles%' AND query LIKE '%''${id}''%' AND query NOT LIKE '%system.runtime%'`;
  return (await queryColumn(TRINO_URL, sql)).length;
};

const titleOf = ({ memory, redis, lakehouse, request, off }: ReadState) =>
  `the process remembers ${memory}; Redis ${redis}; the lakehouse ${lakehouse}; ${request ?? 'any answer'}${off === undefined ? '' : `; ${off} off`}`;

test.each(readStates.map((state, index) => [titleOf(state), state, index] as const))(
  '%s',
  async (_, state, index) => {
    const isMissing = /does not have|lost/.test(state.lakehouse);
    const id = isMissing ? `nobody-${index}` : (known[index] ?? '');
    const read = await arrange(state, id);
    const before = await queriesFor(id);
    await startTimes(state, id);
    const answering = read(
      state.request === undefined ? {} : { 'cache-control': state.request, ...withToken },
    );
    if (state.redis === 'has the lease of a process that finds it') {
      await sleep(50);
      await writeEntries(redis, profileEntries([id]));
    }
    const answer = await answering;
    if (state.redis.includes('near the end'))
      await until('one of the reads has refreshed it', async () => {
        await read();
        return (await redis.ttl(profile.key(id))) > 5;
      });
    const queries = async () => (await queriesFor(id)) - before;
    await until('the query has begun', async () => (await queries()) >= state.queries);
    expect({
      status: answer.status,
      cacheStatus: cacheStatus(answer)?.replace(/ttl=(-?)\d+/, 'ttl=$1n'),
      problem: answer.json['type'],
      queries: await queries(),
    }).toEqual({
      status: state.status,
      cacheStatus: state.cacheStatus,
      problem: state.problem && `urn:kol-cache:problem:${state.problem}`,
      queries: state.queries,
    });
  },
);
