import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { percentile } from '../../bench/figures.ts';
import { leaseKey } from '../../cache/reading/leases.ts';
import { closeRedis, type RedisClient } from '../../clients/redis.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { profile } from '../../domain/entities/profile.ts';
import { stackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { workerProgram } from '../../engines/programs.ts';
import { startStack, type RunningStack } from '../../engines/start-stack.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { startApiProcess, type ApiProcess } from '../support/api-process.ts';
import { idsOf } from '../support/cache-values.ts';
import { startHeldTrino, type HeldTrino } from '../support/held-trino.ts';
import { connectTo } from '../support/redis-targets.ts';
import { queryColumn } from '../support/trino.ts';
import { until } from '../support/until.ts';

const TOKEN = 'token-of-the-floods';
/** The user of the queries of the API. */
const USER = 'api-of-the-floods';
const MAX_QUERIES = 3;

/** The connections of a flood, and the pause of each after a request: about 1,000 requests per second. */
const CONNECTIONS = 49;
const PAUSE_MS = 40;
const ALONE_SECONDS = 3;
const MAX_P99_MS = 20;

let stack: RunningStack;
let trino: HeldTrino;
let redis: RedisClient;
let worker: ManagedProcess;
let api: ApiProcess;
let url: string;
beforeAll(async () => {
  const report = () => {};
  const folder = join(stackFolder, 'floods');
  stack = await startStack({ folder, ports: await freePorts(), empty: true, report });
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, REDIS_URL } = stack.addresses;
  await fillLakehouse({ trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report });
  redis = await connectTo(REDIS_URL);
  trino = await startHeldTrino(TRINO_URL);
  const env = { ...stack.addresses, ML_API_URL: 'http://127.0.0.1:1', LOG_LEVEL: 'info' };
  worker = new ManagedProcess(workerProgram({ ...env, WORKER_TASK_QUEUES: WARM_TASK_QUEUE }), stack.paths);
  const own = { API_PORT: '0', API_TOKEN: TOKEN, TRINO_URL: trino.url, TRINO_USER: USER };
  api = startApiProcess({ ...env, ...own });
  const [, port] = await api.waitForOutput(/"port":(\d+)/);
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  api.child.kill('SIGKILL');
  await worker.stop();
  await trino.close();
  await closeRedis(redis);
  await stack.stop();
});

const pathOf = (id: string) => `/api/v1/kols/${encodeURIComponent(id)}`;
const column = (sql: string) => queryColumn(stack.addresses.TRINO_URL, sql);
const knownIds = (limit: number) => {
  const { TRINO_CATALOG, TRINO_SCHEMA } = stack.addresses;
  return column(`SELECT kol_id FROM ${TRINO_CATALOG}.${TRINO_SCHEMA}.kol_profiles LIMIT ${limit}`);
};
/** All queries that the API has sent since a time. */
const queriesSince = (since: Date) =>
  column(
    `SELECT query FROM system.runtime.queries WHERE "user" = '${USER}' AND created >= from_iso8601_timestamp('${since.toISOString()}')`,
  );

/** Reads all paths at once. @returns the different statuses */
async function statusesOf(paths: readonly string[]): Promise<number[]> {
  const answers = paths.map(async (path) => {
    const answer = await fetch(url + path);
    await answer.arrayBuffer();
    return answer.status;
  });
  return [...new Set(await Promise.all(answers))];
}

test.each([
  ['1,000 unknown ids', 404, () => Promise.resolve(idsOf(1000, 'unknown-'))],
  ['500 distinct ids that are not cached', 200, () => knownIds(500)],
])(
  `%s at once cost at most ${MAX_QUERIES} queries, however slow the queries are`,
  async (_, status, findIds) => {
    const ids = await findIds();
    await statusesOf(['/api/v1/kols/first']); // also checks the columns of the tables
    await statusesOf(ids.map(() => '/healthz')); // opens the connections
    const leases = ids.map((id) => leaseKey(profile.key(id)));
    const since = new Date();
    trino.hold();
    const statuses = statusesOf(ids.map(pathOf));
    await until('all misses wait for a query', async () => (await redis.exists(...leases)) === ids.length);
    trino.release();
    expect(await statuses).toEqual([status]);
    const queries = await queriesSince(since);
    expect(queries.length, queries.join('\n')).toBeLessThanOrEqual(MAX_QUERIES);
  },
);

test(`10,000 unknown ids cost at most ${MAX_QUERIES} queries, and known ids beside them have a p99 of at most ${MAX_P99_MS} ms`, async () => {
  await warm();
  const known = (await knownIds(100)).map(pathOf);
  await statusesOf(known);
  const unknown = idsOf(10_000, 'nobody-').map(pathOf);
  const pool = new Pool(url, { connections: CONNECTIONS + 1 });
  const statusOf = async (path: string) => {
    const { statusCode, body } = await pool.request({ path, method: 'GET' });
    await body.dump();
    return statusCode;
  };
  /** Reads known ids one after the other. @returns the milliseconds of each read */
  async function readKnown(isWanted: () => boolean): Promise<number[]> {
    const delays: number[] = [];
    for (let read = 0; isWanted(); read += 1) {
      const startedAt = performance.now();
      expect(await statusOf(known[read % known.length] ?? '')).toBe(200);
      delays.push(performance.now() - startedAt);
    }
    return delays;
  }
  let left = unknown.length;
  const statuses = new Set<number>();
  async function readUnknown(): Promise<void> {
    for (; left > 0; await sleep(PAUSE_MS)) statuses.add(await statusOf(unknown[(left -= 1)] ?? ''));
  }
  try {
    const aloneUntil = performance.now() + ALONE_SECONDS * 1000;
    const alone = await readKnown(() => performance.now() < aloneUntil);
    const since = new Date();
    const flood = Array.from({ length: CONNECTIONS }, readUnknown);
    const beside = await readKnown(() => left > 0);
    await Promise.all(flood);
    const queries = await queriesSince(since);
    const figures = [alone, beside].map(
      (ms) => `p50 ${percentile(ms, 50)} ms, p99 ${percentile(ms, 99)} ms (${ms.length})`,
    );
    console.log(
      `known ids alone: ${figures[0]}; beside the flood: ${figures[1]}; ${Date.now() - since.getTime()} ms; ${queries.length} queries`,
    );
    expect([...statuses]).toEqual([404]);
    expect(queries.length, queries.join('\n')).toBeLessThanOrEqual(MAX_QUERIES);
    expect(percentile(beside, 99)).toBeLessThanOrEqual(MAX_P99_MS);
  } finally {
    await pool.close();
  }
});

/** Warms the cache, and with it the filter of known ids. */
async function warm(): Promise<void> {
  await worker.start();
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const started = await fetch(`${url}/api/v1/warms`, { method: 'POST', headers, body: '{}' });
  expect(started.status).toBe(202);
  const isFiltered = async () => {
    const { headers: found } = await fetch(`${url}/api/v1/kols/unknown-${Date.now()}`);
    return found.get('cache-status')?.includes('negative') === true;
  };
  await until('ids that do not exist are known', isFiltered, 300);
  await worker.stop();
}
