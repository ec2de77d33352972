import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import { profile } from '../domain/entities/profile.ts';
import { fillLakehouse } from '../simulators/lakehouse/fill.ts';
import { ManagedProcess } from '../engines/supervision/managed-process.ts';
import { workerProgram } from '../engines/programs.ts';
import { STARTUP_WARM_ID, WARM_TASK_QUEUE } from '../contract/workflow-ids.ts';
import type { warmCache, WarmCacheArgs, WarmReport } from '../workflows/warming/warm-cache.ts';
import { bareWarm } from './bare-warm.ts';
import { runBench, type Bench } from './run-bench.ts';
import { simulateHotProfiles } from './simulate-hot-profiles.ts';
import { zipfTrace } from './zipf-trace.ts';

/**
 * `npm run bench:warming`: the figures of warming, each beside its limit or a bare baseline of the same run.
 * The worker and all engines are processes of their own on this machine.
 */
const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const TODAY = 37_486;
const ROWS = Number(options.rows);
const LARGE_SCHEMA = 'kol_silver_large';

await runBench(bench);

async function bench(given: Bench): Promise<void> {
  const { stack, figure, atEnd } = given;
  const { addresses } = stack;
  const source = {
    trinoUrl: addresses.TRINO_URL,
    catalog: addresses.TRINO_CATALOG,
    schema: addresses.TRINO_SCHEMA,
  };
  await fillLakehouse({ ...source, report: console.log });
  const redis = new Redis(addresses.REDIS_URL, { protocol: 2 });
  const temporal = new Client({
    connection: await Connection.connect({ address: addresses.TEMPORAL_ADDRESS }),
  });
  atEnd(() => redis.quit());
  atEnd(() => temporal.connection.close());
  const worker = await startWorker(given, temporal, {});
  const warm = (args: WarmCacheArgs) => runWarm(temporal, args);

  await warm({ force: true }); // the first one finds cold engines
  const full = await warm({ force: true });
  const bare = await bareWarm({ ...source, redis });
  figure({
    what: `all ${TODAY} profiles, rankings, trending, stats, lists, autocomplete: ${full.keys} keys`,
    value: `${full.durationMs} ms`,
    against: `bare reads ${Math.round(bare.readMs)} ms + the same writes by one pipelining client ${Math.round(bare.writeMs)} ms; wanted ≤ 2 × their sum`,
    ratio: full.durationMs / (bare.readMs + bare.writeMs),
  });
  const renewed = await warm({});
  figure({
    what: `the same with nothing changed: ${renewed.renewed} keys renewed`,
    value: `${renewed.durationMs} ms`,
    against: 'the full warm of this run',
    ratio: renewed.durationMs / full.durationMs,
  });

  const trace = zipfTrace(TODAY, { skew: 1, driftPerHour: 0, followersCorrelation: 0.6 }, 1);
  const ids = await cachedIds(redis);
  const drawn = Array.from(trace.draw(20_000), (kol) => ids[kol % ids.length] ?? '');
  figure({
    what: `Zipf 1.0 over all KOLs, default settings: hits in Redis after the warm`,
    value: `${((100 * (await hits(redis, drawn))) / drawn.length).toFixed(1)} % (${ids.length} of ${TODAY} profiles warm)`,
    against: 'wanted ≥ 99 %',
  });
  const [few] = simulateHotProfiles(
    {
      kols: TODAY,
      skew: 1,
      driftPerHour: 0,
      followersCorrelation: 0.6,
      readsPerSecond: 20,
      hours: 6,
      warmEverySeconds: 900,
      measuredFromHour: 1,
      seed: 1,
    },
    [1000],
  );
  if (few !== undefined)
    figure({
      what: 'Zipf 1.0, room for 1,000 (simulated with the code of the warm): hit rate of the choice',
      value: `${(100 * few.chosen.both).toFixed(1)} %`,
      against: `the best possible choice of 1,000: ${(100 * few.best).toFixed(1)} %; wanted ≥ 0.95 of it`,
      ratio: few.chosen.both / few.best,
    });

  const { perRow } = await profilesAlone(warm);
  await worker.stop();
  // Room for all of them: a million profiles take about a gigabyte.
  await redis.config('SET', 'maxmemory', '4gb');
  await fillLakehouse({
    ...source,
    schema: LARGE_SCHEMA,
    scale: ROWS / TODAY,
    tables: ['kol_profiles'],
    report: console.log,
  });
  // Few hot profiles: the warm at its start is not the one to be measured.
  const large = await startWorker(given, temporal, { TRINO_SCHEMA: LARGE_SCHEMA, WARM_PROFILES: '1000' });
  const memory = watchMemory(large);
  const million = await profilesAlone(warm);
  figure({
    what: `${million.rows} profiles, all of them: time a row`,
    value: `${million.perRow.toFixed(4)} ms (${Math.round(million.ms / 1000)} s)`,
    against: `${perRow.toFixed(4)} ms with ${TODAY}; wanted ≤ 1.2 of it`,
    ratio: million.perRow / perRow,
  });
  const most = memory.stop();
  figure({
    what: `worker RSS at most, during that`,
    value: `${most} MB (${memory.before} MB before)`,
    against: 'wanted ≤ 350 MB',
    ratio: most / 350,
  });
}

/** Forced, so that every row is read. */
async function profilesAlone(warm: (args: WarmCacheArgs) => Promise<WarmReport>) {
  const report = await warm({ parts: ['profiles'], allProfiles: true, force: true });
  const rows = report.parts[0]?.rowsRead ?? Number.NaN;
  return { rows, ms: report.durationMs, perRow: report.durationMs / rows };
}

async function startWorker(
  { stack, atEnd }: Bench,
  temporal: Client,
  env: NodeJS.ProcessEnv,
): Promise<ManagedProcess> {
  const worker = new ManagedProcess(
    workerProgram({
      ...stack.addresses,
      ML_API_URL: 'http://127.0.0.1:1',
      LOG_LEVEL: 'info',
      WORKER_TASK_QUEUES: WARM_TASK_QUEUE,
      ...env,
    }),
    stack.paths,
  );
  await worker.start();
  atEnd(() => worker.stop());
  // It warms at its start; in the large schema that cannot succeed, for want of the other tables.
  await temporal.workflow
    .getHandle(STARTUP_WARM_ID)
    .result()
    .catch(() => {});
  return worker;
}

function runWarm(temporal: Client, args: WarmCacheArgs): Promise<WarmReport> {
  return temporal.workflow.execute<typeof warmCache>('warmCache', {
    workflowId: `warm-cache-bench-${Date.now()}`,
    taskQueue: WARM_TASK_QUEUE,
    args: [{ requestedBy: 'bench', ...args }],
  });
}

async function cachedIds(redis: Redis): Promise<string[]> {
  const prefix = profile.key('');
  const ids: string[] = [];
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 5000 }) as AsyncIterable<string[]>)
    ids.push(...keys.map((key) => key.slice(prefix.length)));
  return [...new Set(ids)];
}

async function hits(redis: Redis, ids: readonly string[]): Promise<number> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.exists(profile.key(id));
  return ((await pipeline.exec()) ?? []).reduce((sum, [, found]) => sum + Number(found), 0);
}

/** Looks at a process's resident memory five times a second. */
function watchMemory(worker: ManagedProcess): { before: number; stop(): number } {
  const now = () => {
    if (worker.pid === undefined) return 0; // it was stopped
    const status = readFileSync(`/proc/${worker.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  };
  const before = now();
  let most = before;
  let watching = true;
  void (async () => {
    while (watching) {
      most = Math.max(most, now());
      await sleep(200);
    }
  })();
  return {
    before,
    stop() {
      watching = false;
      return most;
    },
  };
}
