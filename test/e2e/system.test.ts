import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Redis } from 'ioredis';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROFILES_TOPIC } from '../../domain/scoring/topics.ts';
import { SCORES_TOPIC } from '../../domain/scoring/output-record.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { stackPaths, testStackFolder } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { apiProgram, mlServiceProgram, workerProgram } from '../../engines/programs.ts';
import { scoringLoopId, STARTUP_WARM_ID, WARM_SCHEDULE_ID } from '../../contract/workflow-ids.ts';
import { readTopics } from '../support/read-topics.ts';
import { until } from '../support/until.ts';
import { allKeys, keysWithoutTtl } from '../support/redis.ts';
import { testEngines } from '../support/test-engines.ts';

/** Runs the programs of `npm start` as separate processes on the engines of the tests. */
const engines = testEngines();
const paths = stackPaths(testStackFolder);
let env: NodeJS.ProcessEnv;
let redis: Redis;
let temporal: Client;
let ml: ManagedProcess;
let worker: ManagedProcess;
let api: ManagedProcess;

beforeAll(async () => {
  const ports = await freePorts();
  env = {
    ...engines,
    REDIS_URL: `${engines.REDIS_URL}/5`,
    ML_API_URL: `http://127.0.0.1:${ports.mlApi}`,
    ML_API_PORT: String(ports.mlApi),
    API_URL: `http://127.0.0.1:${ports.api}`,
    API_PORT: String(ports.api),
    SCORING_GROUP: 'test-e2e',
  };
  redis = new Redis(env['REDIS_URL'] ?? '', { protocol: 2 });
  temporal = new Client({
    connection: await Connection.connect({ address: engines.TEMPORAL_ADDRESS }),
    namespace: engines.TEMPORAL_NAMESPACE,
  });
  ml = new ManagedProcess(mlServiceProgram(env, env['ML_API_URL'] ?? ''), paths);
  worker = new ManagedProcess(workerProgram(env), paths);
  api = new ManagedProcess(apiProgram(env, env['API_URL'] ?? ''), paths);
  await ml.start();
  await Promise.all([worker.start(), api.start()]);
});
afterAll(async () => {
  await Promise.all([api.stop(), worker.stop()]);
  await ml.stop();
  await temporal.schedule.getHandle(WARM_SCHEDULE_ID).delete();
  await Promise.all([redis.quit(), temporal.connection.close()]);
});

const get = async (path: string) => {
  const response = await fetch(`${env['API_URL']}${path}`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

/** A worker starts and warms in 15 s; a busy machine takes several times as long. */
const STARTED_SECONDS = 120;
const LONG = { timeout: 400_000 };

/** Sends a profile event, and waits until the API returns its score. */
async function scoreThroughSystem(username: string): Promise<Record<string, unknown>> {
  const producer = new kafkajs.Kafka({
    brokers: [engines.KAFKA_BROKERS],
    logLevel: kafkajs.logLevel.NOTHING,
  }).producer();
  await producer.connect();
  const event = {
    event_type: 'profile',
    platform: 'tiktok',
    username,
    followers_raw: '1.3M',
    event_time: new Date(),
  };
  await producer.send({ topic: PROFILES_TOPIC, messages: [{ key: username, value: JSON.stringify(event) }] });
  await producer.disconnect();
  let score: Record<string, unknown> = {};
  // The worker may be starting.
  await until(
    `the API serves the score of ${username}`,
    async () => {
      const { status, body } = await get(`/api/v1/kols/${username}/score`);
      score = body;
      return status === 200;
    },
    STARTED_SECONDS,
  );
  return score;
}

test('a worker warms the whole cache when it starts, and the API serves it', LONG, async () => {
  await until('Redis is warm', async () => (await redis.hlen('cache:metadata')) === 6, STARTED_SECONDS);
  const keys = await allKeys(redis);
  expect(keys.filter((key) => key.startsWith('kol:profile:')).length).toBeGreaterThanOrEqual(1000);
  expect(await keysWithoutTtl(redis)).toEqual([]);

  const top = await get('/api/v1/kols/top?platform=all&by=followers&limit=3');
  expect(top.status).toBe(200);
  const [first] = top.body['items'] as { kol_id: string; score: number }[];
  expect(await redis.zscore('kol:top:followers:all:100', first?.kol_id ?? '')).toBe(String(first?.score));
  expect((await get(`/api/v1/kols/${encodeURIComponent(first?.kol_id ?? '')}`)).body).toMatchObject({
    kol_id: first?.kol_id,
    followers_count: first?.score,
  });
  expect((await get('/api/v1/stats')).body).toMatchObject({ total_kols: 37_486, total_content: 20_028 });
});

test(
  'Temporal shows the schedule, the startup warm with its trigger, and the scoring loop',
  LONG,
  async () => {
    const schedule = await temporal.schedule.getHandle(WARM_SCHEDULE_ID).describe();
    expect(schedule.spec.intervals?.[0]?.every).toBe(15 * 60_000);
    expect(schedule.policies.overlap).toBe('ALLOW_ALL');
    const startup = temporal.workflow.getHandle(STARTUP_WARM_ID);
    await startup.result();
    const warm = await startup.describe();
    expect(warm.status.name).toBe('COMPLETED');
    expect(warm.memo).toMatchObject({ trigger: 'startup' });
    const found = [];
    for await (const run of temporal.workflow.list({
      query: 'KolWarmTrigger = "startup" AND KolWarmParts = "stats"',
    }))
      found.push(run.workflowId);
    expect(found).toContain(STARTUP_WARM_ID);
    expect((await temporal.workflow.getHandle(scoringLoopId(PROFILES_TOPIC)).describe()).status.name).toBe(
      'RUNNING',
    );
  },
);

test(
  'each profile event gives one score, in the API and in scores.stream, even when the worker is stopped or killed',
  LONG,
  async () => {
    expect(await scoreThroughSystem('e2e-first')).toMatchObject({ kol_id: 'e2e-first', cold: false });

    await worker.stop();
    const stopped = scoreThroughSystem('e2e-stopped');
    await worker.start();
    await stopped;

    await worker.kill();
    const killed = scoreThroughSystem('e2e-killed');
    await worker.start();
    await killed;

    const records = await readTopics(engines.KAFKA_BROKERS, SCORES_TOPIC);
    const ours = records.map(({ key }) => key).filter((key) => key.startsWith('e2e-'));
    expect(ours.sort()).toEqual(['e2e-first', 'e2e-killed', 'e2e-stopped']);
  },
);

test(
  'npm run warm prints a report, and exits with code 2 for an unknown option',
  { timeout: 60_000 },
  async () => {
    const run = promisify(execFile);
    const warm = (...options: string[]) =>
      run(process.execPath, ['--import', 'tsx', 'cli/warm.ts', ...options], {
        env: { ...process.env, ...env },
      });
    const { stdout } = await warm('--stats', '--dry-run', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ dryRun: true, parts: [{ part: 'stats' }] });
    await expect(warm('--everything')).rejects.toMatchObject({ code: 2 });
  },
);
