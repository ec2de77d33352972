import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs, { type Producer } from 'kafkajs';
import { score, type Score } from '../domain/entities/score.ts';
import { PROFILES_TOPIC } from '../domain/scoring/topics.ts';
import { fillLakehouse } from '../simulators/lakehouse/fill.ts';
import { ManagedProcess } from '../engines/supervision/managed-process.ts';
import { freePorts } from '../engines/ports.ts';
import { mlServiceProgram, workerProgram } from '../engines/programs.ts';
import { scoringLoopId, STARTUP_WARM_ID } from '../contract/workflow-ids.ts';
import { configureLoopUpdate, loopStateQuery, pauseLoopUpdate, resumeLoopUpdate } from '../contract/messages.ts';
import type { LoopSettings, LoopState } from '../contract/scoring-loop.ts';
import type { scoringLoop } from '../workflows/scoring/scoring-loop.ts';
import { bareScoring, bareSingleCalls } from './bare-scoring.ts';
import { percentile, type Figure } from './figures.ts';
import { runBench, type Bench } from './run-bench.ts';

/**
 * `npm run bench:scoring`: the figures of the scoring loop, each beside its limit or a bare baseline of the same run.
 * The worker, the ML service and all engines are processes of their own on this machine.
 */
const { values: options } = parseArgs({
  options: { backlog: { type: 'string', default: '10000' }, memory: { type: 'string', default: '0' } },
});
const BACKLOG = Number(options.backlog);
const BACKLOG_RUNS = 5;
const CONCURRENCY = 32;
const ML_MS = 50;
/** Nothing here takes a tenth of it. */
const RUN_DEADLINE_MS = 60_000;

await runBench(bench);

async function bench({ stack, figure, atEnd }: Bench): Promise<void> {
  const { addresses, paths } = stack;
  await fillLakehouse({
    trinoUrl: addresses.TRINO_URL,
    catalog: addresses.TRINO_CATALOG,
    schema: addresses.TRINO_SCHEMA,
    report: console.log,
  });
  const ports = await freePorts();
  const mlUrl = `http://127.0.0.1:${ports.mlApi}`;
  const env = {
    ...addresses,
    ML_API_URL: mlUrl,
    ML_API_PORT: String(ports.mlApi),
    ML_API_LATENCY_MS: String(ML_MS),
    ML_API_FAULTS: '1',
    ML_API_CONCURRENCY: String(CONCURRENCY),
    LOG_LEVEL: 'warn',
  };
  const ml = new ManagedProcess(mlServiceProgram(env, mlUrl), paths);
  await ml.start();
  atEnd(() => ml.stop());
  // "worker ready" is logged at level info.
  const worker = new ManagedProcess(workerProgram({ ...env, LOG_LEVEL: 'info' }), paths);
  await worker.start();
  atEnd(() => worker.stop());

  const temporal = new Client({
    connection: await Connection.connect({ address: addresses.TEMPORAL_ADDRESS }),
  });
  const loop = temporal.workflow.getHandle<typeof scoringLoop>(scoringLoopId(PROFILES_TOPIC));
  const redis = new Redis(addresses.REDIS_URL, { protocol: 2 });
  const kafka = new kafkajs.Kafka({ brokers: [addresses.KAFKA_BROKERS], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  atEnd(() => producer.disconnect());
  atEnd(() => redis.quit());
  atEnd(() => temporal.connection.close());
  const mlFaults = (faults: object) =>
    fetch(`${mlUrl}/admin/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(faults),
    });
  const run = (count: number, settings?: Partial<LoopSettings>) =>
    backlogRun({ loop, producer }, count, settings);

  // A loop that never ran begins at the end of its topic: it must stand there before anything is sent.
  const admin = kafka.admin();
  await admin.connect();
  atEnd(() => admin.disconnect());
  const standsThere = async () => {
    const [offsets] = await admin
      .fetchOffsets({ groupId: 'kol-scoring', topics: [PROFILES_TOPIC] })
      .catch(() => []);
    return offsets?.partitions.every(({ offset }) => offset !== '-1') ?? false;
  };
  while (!(await standsThere())) await sleep(100);
  console.log('Warming up …');
  // The worker warms the cache when it starts, which would take half of the machine.
  await temporal.workflow.getHandle(STARTUP_WARM_ID).result();
  await run(2000, { maxOffsets: 1000 });
  for (let round = 0; round < 20; round += 1) await run(58);

  const batches: number[] = [];
  for (let round = 0; round < 10; round += 1)
    batches.push((await run(58)).state.lastBatch?.durationMs ?? Number.NaN);
  figure({
    what: '58 events, ML 50 ms, plan to commit (median of 10)',
    value: `${percentile(batches, 50)} ms`,
    against: '≤ 300 ms; the ML call alone is 50 ms',
    ratio: percentile(batches, 50) / ML_MS,
  });

  await mlFaults({ latency_ms: 0 });
  for (const maxOffsets of [1000, 5000]) {
    await run(BACKLOG, { maxOffsets }); // the code of batches this large is compiled first
    const rates: number[] = [];
    for (let round = 0; round < BACKLOG_RUNS; round += 1) rates.push(rate(BACKLOG, (await run(BACKLOG)).ms));
    figure({
      what: `${BACKLOG} events of backlog, ML 0 ms, batches of ${maxOffsets}: median of ${BACKLOG_RUNS}, least`,
      value: `${percentile(rates, 50)}/s, ${Math.min(...rates)}/s`,
      against: 'wanted ≥ 5000/s',
      ratio: percentile(rates, 50) / 5000,
    });
    if (maxOffsets === 1000)
      figure(await historyOf(loop, 'with a backlog', (BACKLOG_RUNS * BACKLOG) / maxOffsets));
  }
  const bareMs = await bareScoring({
    kafka,
    redis,
    mlUrl,
    topic: PROFILES_TOPIC,
    events: BACKLOG,
    concurrency: CONCURRENCY,
  });
  figure({
    what: `the same work bare: no plan, no fence, no ledger, no Temporal`,
    value: `${rate(BACKLOG, bareMs)}/s`,
    against: 'baseline of this run',
  });

  await mlFaults({});
  for (const [trigger, wanted] of [
    ['available', 500],
    [10, 11_000],
  ] as const) {
    await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger, maxOffsets: 1000 }] });
    const { batches: before } = await loop.query(loopStateQuery);
    const latencies = await latenciesAt({ producer, redis }, 20, trigger === 10 ? 45 : 20);
    figure({
      what: `produce → readable in Redis at 20/s, trigger ${trigger}: p50, p99`,
      value: `${percentile(latencies, 50)} ms, ${percentile(latencies, 99)} ms`,
      against: `p99 wanted ≤ ${wanted} ms`,
      ratio: percentile(latencies, 99) / wanted,
    });
    const { batches: after } = await loop.query(loopStateQuery);
    if (trigger !== 'available') continue;
    figure(await historyOf(loop, 'at 20/s, trigger available', after - before));
    const noticed = await noticedAfter({ loop, producer });
    figure({
      what: `idle, trigger available: one event produced → batch planned (of ${noticed.length}): p50, most`,
      value: `${percentile(noticed, 50)} ms, ${Math.max(...noticed)} ms`,
      against: 'wanted ≤ 100 ms',
      ratio: Math.max(...noticed) / 100,
    });
  }
  // Every 10 s there would be few batches to count; more of them cost the same each.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 2 }] });
  await latenciesAt({ producer, redis }, 20, 40);
  figure(await historyOf(loop, 'at 20/s, trigger 2', 18));
  // Last: a client that met a service without batch endpoint goes on with single calls for ten minutes.
  await mlFaults({ batch: false });
  await run(1000, { maxOffsets: 1000 });
  const single = await run(BACKLOG);
  const limit = (CONCURRENCY / ML_MS) * 1000;
  const bareCalls = await bareSingleCalls({ mlUrl, calls: BACKLOG / 2, concurrency: CONCURRENCY });
  figure({
    what: `${BACKLOG} events of backlog, ML 50 ms, single calls`,
    value: `${rate(BACKLOG, single.ms)}/s`,
    against: `concurrency ÷ latency allows ${limit}/s; wanted ≥ 0.9 of it`,
    ratio: rate(BACKLOG, single.ms) / limit,
  });
  figure({
    what: 'the same calls bare: the latency is then what the network and the machine make of 50 ms',
    value: `${rate(BACKLOG / 2, bareCalls)}/s`,
    against: 'baseline of this run; the ratio is what the loop made of it',
    ratio: rate(BACKLOG, single.ms) / rate(BACKLOG / 2, bareCalls),
  });

  if (Number(options.memory) > 0) {
    await mlFaults({ latency_ms: 0 });
    figure(await memory({ loop, producer, worker }, Number(options.memory)));
  }
}

/** Resident memory of the worker over many events. */
async function memory(
  { loop, producer, worker }: { loop: Loop; producer: Producer; worker: ManagedProcess },
  total: number,
): Promise<Figure> {
  const rss: number[] = [];
  for (let done = 0; done < total; done += 50_000) {
    await backlogRun({ loop, producer }, 50_000, { trigger: 'available', maxOffsets: 1000 });
    const status = await readFile(`/proc/${worker.pid}/status`, 'utf8');
    rss.push(Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024));
    console.log(`${done + 50_000} events: worker RSS ${rss.at(-1)} MB`);
  }
  const first = rss[1] ?? Number.NaN;
  return {
    what: `worker RSS after 100,000 and at most over ${total} events`,
    value: `${first} MB, ${Math.max(...rss)} MB`,
    against: `wanted ≤ ${first + 64} MB`,
    ratio: Math.max(...rss) / (first + 64),
  };
}

type Loop = WorkflowHandle<typeof scoringLoop>;

/**
 * Lets a backlog gather while the loop is paused, and times it from the resume until all is accounted for. The loop itself says
 * when that was: each query is a task for the worker, and many of them would slow down what they measure.
 */
async function backlogRun(
  { loop, producer }: { loop: Loop; producer: Producer },
  count: number,
  settings: Partial<LoopSettings> = {},
): Promise<{ ms: number; state: LoopState }> {
  // No tick may be waited for: what is measured is work.
  await loop.executeUpdate(configureLoopUpdate, { args: [{ trigger: 'available', ...settings }] });
  await loop.executeUpdate(pauseLoopUpdate);
  while ((await loop.query(loopStateQuery)).state !== 'paused') await sleep(20);
  const before = outcomes(await loop.query(loopStateQuery));
  for (let sent = 0; sent < count; sent += 2000)
    await producer.send({
      topic: PROFILES_TOPIC,
      messages: Array.from({ length: Math.min(2000, count - sent) }, (_, index) =>
        profile(`bench-${sent + index}`),
      ),
    });
  const started = Date.now();
  await loop.executeUpdate(resumeLoopUpdate);
  for (const deadline = started + RUN_DEADLINE_MS; ;) {
    const state = await loop.query(loopStateQuery);
    if (Date.now() > deadline)
      throw new Error(`${count} events were not scored within a minute: ${JSON.stringify(state)}`);
    if (state.lastBatch !== null && outcomes(state) >= before + count)
      return { ms: state.lastBatch.plannedAtMs + state.lastBatch.durationMs - started, state };
    await sleep(200);
  }
}

/** Single events to an idle loop: how long after the broker took each one its batch was planned, in ms. */
async function noticedAfter({ loop, producer }: { loop: Loop; producer: Producer }): Promise<number[]> {
  const after: number[] = [];
  for (let round = 0; round < 30; round += 1) {
    const before = outcomes(await loop.query(loopStateQuery));
    // At any moment of whatever the loop does while it is idle.
    await sleep(700 + Math.random() * 500);
    await producer.send({ topic: PROFILES_TOPIC, messages: [profile(`noticed-${round}`)] });
    const sent = Date.now();
    let state = await loop.query(loopStateQuery);
    while (outcomes(state) === before) {
      await sleep(20);
      state = await loop.query(loopStateQuery);
    }
    after.push(Math.max(0, (state.lastBatch?.plannedAtMs ?? Number.NaN) - sent));
  }
  return after;
}

function outcomes({ totals }: LoopState): number {
  return totals.scored + totals.deadLetters + totals.late + totals.superseded;
}
/** A second. */
function rate(count: number, ms: number): number {
  return Math.round((count / ms) * 1000);
}

function profile(username: string) {
  return {
    key: username,
    value: JSON.stringify({
      event_type: 'profile',
      platform: 'tiktok',
      username,
      event_time: new Date().toISOString(),
      followers_raw: '11.3K',
      following_raw: '120',
      likes_raw: '1.3M',
      posts_raw: '1,234',
      bio: 'makes videos',
    }),
  };
}

/** Sends at a steady rate, and looks in Redis until each score shows. */
async function latenciesAt(
  { producer, redis }: { producer: Producer; redis: Redis },
  perSecond: number,
  seconds: number,
): Promise<number[]> {
  const waiting = new Map<string, number>();
  const latencies: number[] = [];
  const run = `lat-${Date.now()}`;
  let sending = true;
  const watch = (async () => {
    while (sending || waiting.size > 0) {
      const ids = [...waiting.keys()];
      const found = ids.length === 0 ? [] : await redis.mget(ids.map((id) => score.key(id)));
      found.forEach((json, index) => {
        const id = ids[index] ?? '';
        if (json === null || (JSON.parse(json) as Score).kol_id !== id) return;
        latencies.push(performance.now() - (waiting.get(id) ?? 0));
        waiting.delete(id);
      });
      await sleep(5);
    }
  })();
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const id = `${run}-${index}`;
    waiting.set(id, performance.now());
    void producer.send({ topic: PROFILES_TOPIC, messages: [profile(id)] });
    await sleep(1000 / perSecond);
  }
  sending = false;
  await watch;
  return latencies;
}

/** History events of the last batches, of those that are in the history of the loop's present run. */
async function historyOf(loop: Loop, when: string, count: number): Promise<Figure> {
  const ratios = (await batchesOf(loop))
    .slice(-count)
    .map(({ events, partitions }) => events / (12 + 3 * (partitions - 1)));
  const mean = ratios.reduce((sum, one) => sum + one, 0) / ratios.length;
  return {
    what: `history events a batch ${when} (${ratios.length} batches), mean and most, as parts of the limit`,
    value: `${mean.toFixed(2)}, ${Math.max(...ratios).toFixed(2)}`,
    against: 'the limit is 12, and 3 more for each further partition',
    ratio: mean,
  };
}

/**
 * What each batch of the loop's current history took of it: from where its ranges are scheduled to where those of the next are,
 * so that the planning of the next one counts too. Those that an operator's update came between are left out.
 */
async function batchesOf(loop: Loop): Promise<{ events: number; partitions: number }[]> {
  const events = (await loop.fetchHistory()).events ?? [];
  const batches: { events: number; partitions: number; steered: boolean }[] = [];
  let scheduling = false;
  for (const event of events) {
    const isRange = event.activityTaskScheduledEventAttributes?.activityType?.name === 'scoreRange';
    if (isRange && !scheduling) batches.push({ events: 0, partitions: 0, steered: false });
    scheduling = isRange;
    const batch = batches.at(-1);
    if (batch === undefined) continue;
    batch.events += 1;
    if (isRange) batch.partitions += 1;
    if (event.workflowExecutionUpdateAcceptedEventAttributes) batch.steered = true;
  }
  // The last one is not over.
  return batches.slice(0, -1).filter(({ steered }) => !steered);
}
