import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { residentMb } from '../../bench/process-memory.ts';
import { writeEntries } from '../../cache/writing/write-entries.ts';
import { closeRedis, type RedisClient } from '../../clients/redis.ts';
import { WARM_TASK_QUEUE } from '../../contract/task-queues.ts';
import { stackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { workerProgram } from '../../engines/programs.ts';
import { startStack, type RunningStack } from '../../engines/start-stack.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import { startApiProcess, type ApiProcess } from '../support/api-process.ts';
import { profileEntries } from '../support/cache-values.ts';
import { connectTo } from '../support/redis-targets.ts';
import { usualReads } from '../support/usual-reads.ts';

/** Ten minutes show a leak of a few bytes for each request. HALF_LOAD_SECONDS shortens it. */
const SECONDS = Number(process.env['HALF_LOAD_SECONDS'] ?? 600);
/** About half of what one process answers on two cores that it shares with the engines and the load. */
const REQUESTS_PER_SECOND = 1000;
const WRITE_EVERY_MS = 100;
const WARM_EVERY_MS = 30_000;
/** Caches fill and code is compiled in this part of the time. */
const WARM_UP_SHARE = 0.3;
/** More is a leak: the heap of V8 grows and shrinks by less at this load. */
const MAX_GROWTH_MB = 100;
const TOKEN = 'token-of-the-half-load';
/** Profiles that change all the time. The lakehouse has them, otherwise a warm would remove them. */
const CHANGING = 50;

let stack: RunningStack;
let worker: ManagedProcess;
let api: ApiProcess;
let redis: RedisClient;
beforeAll(async () => {
  const report = () => {};
  const folder = join(stackFolder, 'half-load');
  stack = await startStack({ folder, ports: await freePorts(), empty: true, report });
  const { TRINO_URL, TRINO_CATALOG, TRINO_SCHEMA, REDIS_URL } = stack.addresses;
  await fillLakehouse({ trinoUrl: TRINO_URL, catalog: TRINO_CATALOG, schema: TRINO_SCHEMA, report });
  const env = { ...stack.addresses, ML_API_URL: 'http://127.0.0.1:1', LOG_LEVEL: 'info' };
  worker = new ManagedProcess(workerProgram({ ...env, WORKER_TASK_QUEUES: WARM_TASK_QUEUE }), stack.paths);
  await worker.start();
  redis = await connectTo(REDIS_URL);
  const delayMeter = fileURLToPath(new URL('./event-loop-delay.mjs', import.meta.url));
  api = startApiProcess({ ...env, API_PORT: '0', API_TOKEN: TOKEN, NODE_OPTIONS: `--import ${delayMeter}` });
});
afterAll(async () => {
  api.child.kill('SIGKILL');
  await closeRedis(redis);
  await worker.stop();
  await stack.stop();
});

/** Repeats some work until the signal aborts. */
async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(everyMs);
  }
}

test(`${SECONDS} s at ${REQUESTS_PER_SECOND} requests/s, with writes and warms: no error, and memory does not grow`, async () => {
  const [, port] = await api.waitForOutput(/"port":(\d+)/);
  const url = `http://127.0.0.1:${port}`;
  const paths = await usualReads(url, stack.addresses, 500);
  const prefix = '/api/v1/kols/';
  const changing = paths.slice(0, CHANGING).map((path) => decodeURIComponent(path.slice(prefix.length)));

  const over = new AbortController();
  const memory: number[] = [];
  let followers = 0;
  const warmStatuses: number[] = [];
  const background = [
    repeat(WRITE_EVERY_MS, over.signal, () =>
      writeEntries(redis, profileEntries(changing, (followers += 1), new Date())),
    ),
    repeat(WARM_EVERY_MS, over.signal, async () => {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const answer = await fetch(`${url}/api/v1/warms`, { method: 'POST', headers, body: '{"force":true}' });
      warmStatuses.push(answer.status);
    }),
    repeat(1000, over.signal, () => Promise.resolve(memory.push(residentMb(api.child.pid ?? 0)))),
  ];
  const {
    '2xx': answered,
    non2xx,
    errors,
    latency,
  } = await autocannon({
    ...{ url, requests: paths.map((path) => ({ path })), connections: 32 },
    ...{ overallRate: REQUESTS_PER_SECOND, duration: SECONDS, timeout: 30 },
  });
  over.abort();
  await Promise.all(background);

  const settled = memory.slice(Math.floor(memory.length * WARM_UP_SHARE));
  const [first = NaN, last = NaN] = [settled.slice(0, 10), settled.slice(-10)].map((part) =>
    Math.max(...part),
  );
  const delay = api
    .output()
    .match(/event loop delay p99 .*/g)
    ?.at(-1);
  console.log(
    `${answered} answers, ${non2xx} not 200, ${errors} failed; p99 ${latency.p99} ms; ${delay}; memory ${first} MB, at the end ${last} MB; ${warmStatuses.length} warms`,
  );
  expect(delay, 'the event loop of the API is measured').toBeDefined();
  expect({ non2xx, errors }).toEqual({ non2xx: 0, errors: 0 });
  expect(new Set(warmStatuses)).toEqual(new Set([202]));
  expect(last - first).toBeLessThan(MAX_GROWTH_MB);
});
