import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { leaseKey } from '../../../cache/reading/leases.ts';
import { writePartMetadata } from '../../../cache/writing/part-metadata.ts';
import { writeEntries } from '../../../cache/writing/write-entries.ts';
import { readStates, type ReadState } from '../../../docs/generate/read-states.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { switches } from '../../../domain/entities/switches.ts';
import {
  apiConfig,
  cacheStatus,
  startApi,
  TOKEN,
  UNREACHABLE_ADDRESS,
  useRedis,
  withToken,
} from '../../support/api.ts';
import { profileEntries } from '../../support/cache-values.ts';
import { startRelay } from '../../support/relay.ts';
import { queryColumn } from '../../support/trino.ts';
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

/** Puts into Redis what it has of a value, and starts an API that remembers what it remembers of it. */
async function arrange({ memory, redis: held, lakehouse, off }: ReadState, id: string) {
  if (held !== 'does not have it' && !held.includes('lease')) await writeEntries(redis, profileEntries([id]));
  if (held === 'has some of its fields') await redis.hdel(profile.key(id), 'username', 'platform');
  if (held === 'has it without TTL') await redis.persist(profile.key(id));
  if (held.includes('lease'))
    await redis.set(leaseKey(profile.key(id)), held.includes('nothing') ? 'nothing' : 'other', 'EX', 3);
  if (lakehouse === 'lost it with most rows') await pretendShrinkage();
  if (off !== undefined)
    await redis.hset(switches.key, switches.toFields(off === 'l1' ? { l1: false } : { readThrough: false }));
  const { host, pathname } = new URL(REDIS_URL);
  const relay = await startRelay(host);
  const api = await startApi({
    API_TOKEN: TOKEN,
    API_L1_MEGABYTES: '8',
    API_L1_TTL_SECONDS: '60',
    REDIS_URL: `redis://127.0.0.1:${relay.port}${pathname}`,
    ...(lakehouse === 'does not answer' ? { TRINO_URL: `http://${UNREACHABLE_ADDRESS}` } : {}),
  });
  cleanUps.push(() => api.close());
  const read = (headers: Readonly<Record<string, string>> = {}) =>
    api.get(`/api/v1/kols/${encodeURIComponent(id)}`, headers);
  if (memory === 'L1 has it')
    await until('L1 has it', async () => (cacheStatus(await read()) ?? '').startsWith('kol-l1'));
  // Of a table that shrank, "not found" is not remembered.
  if (memory === 'that it does not exist' || lakehouse === 'lost it with most rows') await read();
  if (held === 'does not answer') {
    await relay.close();
    await until('Redis is away', async () =>
      JSON.stringify((await api.get('/readyz')).json).includes('down'),
    );
  } else cleanUps.push(() => relay.close());
  if (memory === 'what it read without Redis') await read();
  return read;
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
  const sql = `SELECT query_id FROM system.runtime.queries WHERE source = 'kol-cache'
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
    const answering = read(
      state.request === undefined ? {} : { 'cache-control': state.request, ...withToken },
    );
    if (state.redis === 'has the lease of a process that finds it') {
      await sleep(50);
      await writeEntries(redis, profileEntries([id]));
    }
    const answer = await answering;
    expect({
      status: answer.status,
      cacheStatus: cacheStatus(answer)?.replace(/ttl=\d+/, 'ttl=n'),
      problem: answer.json['type'],
      queries: (await queriesFor(id)) - before,
    }).toEqual({
      status: state.status,
      cacheStatus: state.cacheStatus,
      problem: state.problem && `urn:kol-cache:problem:${state.problem}`,
      queries: state.queries,
    });
  },
);
