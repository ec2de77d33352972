import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { median, percentile } from '../../bench/figures.ts';
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
import { loadEvenly, saturate } from '../support/even-load.ts';
import { connectTo } from '../support/redis-targets.ts';
import { usualReads } from '../support/usual-reads.ts';

/** Ten minutes show a leak of a few bytes for each request. HALF_LOAD_SECONDS shortens it. */
const SECONDS = Number(process.env['HALF_LOAD_SECONDS'] ?? 600);
/** Half load is half of the rate that the API answers at most when nothing else runs, measured in this time. */
const SATURATION_SECONDS = 10;
/** Without writes and warms, whose engines share the cores with the API. */
const QUIET_SECONDS = 30;
const MAX_LATENCY_P99_MS = 5;
/** Of the process of the API, with writes and warms. */
const MAX_LOOP_DELAY_P99_MS = 20;
const WRITE_EVERY_MS = 100;
const WARM_EVERY_MS = 30_000;
/** Caches fill and code is compiled in this part of the time. */
const WARM_UP_SHARE = 0.3;
/** More is a leak: the medians differ by less, because V8 grows its heap late. */
const MAX_GROWTH_MB = 40;
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

test(`at half load the p99 of reads is at most ${MAX_LATENCY_P99_MS} ms; ${SECONDS} s of it with writes and warms: no error, short event loop delays, and memory does not grow`, async () => {
  const [, port] = await api.waitForOutput(/"port":(\d+)/);
  const url = `http://127.0.0.1:${port}`;
  const paths = await usualReads(url, stack.addresses, 500);
  await saturate(url, paths, 3); // compiles the code
  const perSecond = (await saturate(url, paths, SATURATION_SECONDS)) / 2;
  const quiet = await loadEvenly(url, paths, { perSecond, seconds: QUIET_SECONDS });

  api.child.kill('SIGUSR2'); // the event loop delay is measured from here
  const { memory, warmStatuses, stop } = startBackground(url, paths.slice(0, CHANGING));
  const busy = await loadEvenly(url, paths, { perSecond, seconds: SECONDS });
  await stop();

  const settled = memory.slice(Math.floor(memory.length * WARM_UP_SHARE));
  const quarter = Math.ceil(settled.length / 4);
  const [before, after] = [median(settled.slice(0, quarter)), median(settled.slice(-quarter))];
  const delays = [...api.output().matchAll(/event loop delay p99 (\S+) ms/g)].map(([, ms]) => Number(ms));
  const delay = delays.at(-1);
  console.log(
    `${Math.round(perSecond)}/s: p99 ${percentile(quiet.latencies, 99)} ms;`,
    `with writes and ${warmStatuses.length} warms p99 ${percentile(busy.latencies, 99)} ms, event loop delay p99 ${delay} ms,`,
    `memory ${before} MB, later ${after} MB; ${quiet.answered + busy.answered} answers`,
  );
  for (const { non2xx, failed } of [quiet, busy])
    expect({ non2xx, failed }).toEqual({ non2xx: 0, failed: 0 });
  expect(new Set(warmStatuses)).toEqual(new Set([202]));
  expect(percentile(quiet.latencies, 99)).toBeLessThanOrEqual(MAX_LATENCY_P99_MS);
  expect(delay).toBeLessThanOrEqual(MAX_LOOP_DELAY_P99_MS);
  expect(after - before).toBeLessThan(MAX_GROWTH_MB);
});

/** Writes profiles, starts warms and samples the memory of the API until `stop`. */
function startBackground(url: string, changingPaths: readonly string[]) {
  const changing = changingPaths.map((path) => decodeURIComponent(path.slice('/api/v1/kols/'.length)));
  const over = new AbortController();
  const memory: number[] = [];
  const warmStatuses: number[] = [];
  let followers = 0;
  const running = [
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
  const stop = async () => {
    over.abort();
    await Promise.all(running);
  };
  return { memory, warmStatuses, stop };
}
