import { WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { WarmActivities } from '../../../activities/index.ts';
import { createReadCounter } from '../../../cache/popularity/read-counter.ts';
import { readKnownReads } from '../../../cache/popularity/read-counts.ts';
import { profile } from '../../../domain/entities/profile.ts';
import { WARM_SECONDS } from '../../../domain/warming/hot-profiles.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { partWarmerId } from '../../../contract/workflow-ids.ts';
import type { PartReport } from '../../../domain/warming/part-report.ts';
import { warmProgressQuery } from '../../../contract/messages.ts';
import { rateSamples } from '../../support/rate-samples.ts';
import { allKeys } from '../../support/redis.ts';
import { smallSplits } from '../../support/small-splits.ts';
import { until } from '../../support/until.ts';
import { warmHarness, type WarmHarness } from '../../support/warm-harness.ts';
import { testEngines } from '../../support/test-engines.ts';

type Splits = Awaited<ReturnType<typeof smallSplits>>;

let harness: WarmHarness;
let splits: Splits | undefined;
/** Activities of the worker; each test sets its own. */
let warmProfileSplit: WarmActivities['warmProfileSplit'];
let planProfiles: WarmActivities['planProfiles'];
beforeAll(async () => {
  harness = await warmHarness(
    13,
    {},
    (real) => ({
      planProfiles: (args) => planProfiles(args),
      warmProfileSplit: (args) => warmProfileSplit(args),
      warmHotProfiles: (args) => (splits ?? real).warmHotProfiles(args),
    }),
    { maxConcurrentActivityTaskExecutions: 1 },
  );
});
afterAll(() => harness.stop());
beforeEach(async () => {
  await harness.redis.flushdb();
  await harness.newQueries();
});
afterEach(async () => {
  await splits?.close();
  splits = undefined;
});

async function useSplits(options: Parameters<typeof smallSplits>[1]): Promise<Splits> {
  splits = await smallSplits(harness.config, options);
  const created = splits;
  planProfiles = (args) => created.planProfiles(args);
  warmProfileSplit = (args) => created.warmProfileSplit(args);
  return created;
}

/** Compares the cache with an independent query. @returns the number of profiles */
async function expectAllCached(): Promise<number> {
  const { redis, trino, schema } = harness;
  const rows = await trino(
    `SELECT kol_id, platform, username, CAST(followers_count AS VARCHAR) FROM ${schema}.kol_profiles`,
  );
  const keys = (await allKeys(redis)).filter((key) => key.startsWith('kol:profile:'));
  expect(keys).toEqual(rows.map(([id]) => `kol:profile:${String(id)}`).sort());
  for (const [id, ...cells] of rows)
    expect(await redis.hmget(`kol:profile:${String(id)}`, 'platform', 'username', 'followers_count')).toEqual(
      cells.map((cell) => cell ?? ''),
    );
  return rows.length;
}

test('splits run in parallel over several workers, up to the limit, and read every row once', async () => {
  const real = await useSplits({ rowsPerSplit: 40, parallelSplits: 2, writesPerSecond: 0 });
  let running = 0;
  let maxRunning = 0;
  const splitsOfWorker: [number, number] = [0, 0];
  let resolveBothBusy: () => void = () => {};
  const bothBusy = new Promise<void>((resolve) => (resolveBothBusy = resolve));
  const countedFor =
    (worker: 0 | 1): WarmActivities['warmProfileSplit'] =>
    async (args) => {
      splitsOfWorker[worker] += 1;
      maxRunning = Math.max(maxRunning, (running += 1));
      // Each worker runs one activity at a time. The first split waits until the other worker has one too.
      if (splitsOfWorker.every((count) => count > 0)) resolveBothBusy();
      await bothBusy;
      try {
        return await real.warmProfileSplit(args);
      } finally {
        running -= 1;
      }
    };
  warmProfileSplit = countedFor(0);
  const { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = testEngines();
  const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
  const other = await Worker.create({
    connection,
    namespace: TEMPORAL_NAMESPACE,
    taskQueue: WARM_TASK_QUEUE,
    activities: { ...harness.activities, warmProfileSplit: countedFor(1) },
    maxConcurrentActivityTaskExecutions: 1,
  });
  const report = await other.runUntil(() => harness.warm({ parts: ['profiles'], allProfiles: true }));
  await connection.close();

  const rows = await expectAllCached();
  expect(report.parts[0]).toMatchObject({ rowsRead: rows, keys: rows, rejected: 0 });
  expect(maxRunning).toBe(2);
  expect(splitsOfWorker.reduce((sum, count) => sum + count, 0)).toBe(Math.ceil(rows / 40));
  expect(Math.min(...splitsOfWorker)).toBeGreaterThan(0);
});

test('a write rate is never exceeded, and the part warmer reports progress during the warm', async () => {
  const perSecond = 100;
  await useSplits({ rowsPerSplit: 100_000, parallelSplits: 1, writesPerSecond: perSecond });
  const { redis, temporal } = harness;
  const run = await harness.start({ parts: ['profiles'], allProfiles: true });
  const ended = run.result();
  const warmer = temporal.workflow.getHandle(partWarmerId('profiles'));
  let progress = { rows: 0, total: 0 };
  const samples = rateSamples(
    async () => (await allKeys(redis)).filter((key) => key.startsWith(profile.key(''))).length,
  );
  await until('all profiles are written', async () => {
    const cached = await samples.take();
    progress = await warmer.query(warmProgressQuery).catch(() => progress);
    return progress.total > 0 && cached === progress.total;
  });
  await ended;
  expect(progress.total).toBe(await expectAllCached());
  samples.expectAtMost(perSecond);
});

test.each([
  ['the hot profiles', 120, {}],
  ['a split of all profiles', 0, { allProfiles: true }],
])('a retry of %s writes only what the earlier attempt has not written', async (_name, room, input) => {
  const options = { rowsPerSplit: 100_000, parallelSplits: 1, writesPerSecond: 0, perPlatform: 40 };
  const real = await useSplits({ ...options, ...(room > 0 && { fixedRoom: room }) });
  const writes = async () =>
    Number(/cmdstat_hset:calls=(\d+)/.exec(await harness.redis.info('commandstats'))?.[1]);
  const writesBeforeAttempt: number[] = [];
  /** The result of the first attempt is lost, and half of the keys that it wrote. */
  const losingResult =
    <Args>(work: (args: Args) => Promise<PartReport>) =>
    async (args: Args) => {
      const attempt = writesBeforeAttempt.push(await writes());
      const report = await work(args);
      if (attempt > 1) return report;
      const keys = await allKeys(harness.redis);
      for (const key of keys.filter((_, index) => index % 2 === 0)) await harness.redis.del(key);
      throw new Error('the result is lost');
    };
  warmProfileSplit = losingResult(real.warmProfileSplit);
  splits = { ...real, warmHotProfiles: losingResult(real.warmHotProfiles) };
  const report = await harness.warm({ parts: ['profiles'], ...input });
  const [before = 0, between = 0] = writesBeforeAttempt;
  const written = between - before;
  expect(report.parts[0]).toMatchObject({ rowsRead: written, keys: written });
  // The last write is that of the metadata.
  expect((await writes()) - between).toBe(Math.ceil(written / 2) + 1);
  expect((await allKeys(harness.redis)).length).toBe(written + 1);
});

test('with room for some profiles, the most followed of each platform are warm and stay warm', async () => {
  await useSplits({
    rowsPerSplit: 1000,
    parallelSplits: 1,
    writesPerSecond: 0,
    fixedRoom: 120,
    perPlatform: 40,
  });
  const { redis, trino, schema } = harness;
  const { parts } = await harness.warm({ parts: ['profiles'] });
  expect(parts[0]).toMatchObject({ rowsRead: 120, keys: 120 });
  const best = await trino(
    `SELECT kol_id FROM (SELECT kol_id, followers_count, row_number() OVER (PARTITION BY platform ORDER BY followers_count DESC NULLS LAST, kol_id DESC) AS rank FROM ${schema}.kol_profiles)
     ORDER BY rank <= 40 DESC, followers_count DESC NULLS LAST, kol_id DESC LIMIT 120`,
  );
  const hot = best.map(([id]) => `kol:profile:${String(id)}`).sort();
  expect((await allKeys(redis)).filter((key) => key.startsWith('kol:profile:'))).toEqual(hot);

  const again = await harness.warm({ parts: ['profiles'] });
  expect(again.parts[0]).toMatchObject({ rowsRead: 0, keys: 0, renewed: 120 });
  await redis.del(hot[0] ?? '');
  expect((await harness.warm({ parts: ['profiles'] })).parts[0]).toMatchObject({
    rowsRead: 120,
    keys: 1,
    renewed: 119,
  });
});

test('cancelling a warm cancels its Trino query and ends its part warmer', async () => {
  const { schema, temporal, trino, config } = harness;
  await trino(`ALTER TABLE ${schema}.kol_content RENAME TO ${schema}.real_content`);
  // To count a hundred billion rows takes longer than any test.
  await trino(
    `CREATE VIEW ${schema}.kol_content AS SELECT c.* FROM ${schema}.real_content AS c
     CROSS JOIN UNNEST(sequence(1, 10000)) AS a(x) CROSS JOIN UNNEST(sequence(1, 10000)) AS b(y) WHERE x + y > 0`,
  );
  const states = async () =>
    (
      await trino(
        `SELECT state, error_code FROM system.runtime.queries WHERE "user" = '${config.TRINO_USER}' AND query LIKE '%count(*)%kol_content%' AND query NOT LIKE '%system.runtime%'`,
      )
    ).map(([state, code]) => [state, code]);
  try {
    const run = await harness.start({ parts: ['trending'] });
    await until('Trino runs the query', async () => (await states()).some(([state]) => state === 'RUNNING'));
    await run.cancel();
    await expect(run.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    await until('Trino has cancelled the query', async () =>
      (await states()).every(([state]) => state === 'FAILED'),
    );
    expect(await states()).toEqual([['FAILED', 'USER_CANCELED']]);
    await until('the part warmer has ended', async () => {
      const { status } = await temporal.workflow.getHandle(partWarmerId('trending')).describe();
      return status.name === 'COMPLETED';
    });
  } finally {
    await trino(`DROP VIEW ${schema}.kol_content`);
    await trino(`ALTER TABLE ${schema}.real_content RENAME TO ${schema}.kol_content`);
  }
});

test('profiles that were read at the coming hour on earlier days are warm before it', async () => {
  const room = 10;
  await useSplits({
    rowsPerSplit: 1000,
    parallelSplits: 1,
    writesPerSecond: 0,
    fixedRoom: room,
    perPlatform: 1,
  });
  const { redis, trino, schema } = harness;
  const ids = (
    await trino(`SELECT kol_id FROM ${schema}.kol_profiles ORDER BY followers_count LIMIT ${2 * room}`)
  ).map(([id]) => String(id));
  const [atComingHour, atOtherHours] = [ids.slice(0, room), ids.slice(room)];
  const HOUR = 3600;
  // The last hour that the choice considers: the next warm has ended then.
  const comingHour = Date.now() / 1000 + 900 + WARM_SECONDS - 1;
  const countAt = async (time: number, kols: readonly string[], reads: number) => {
    const counter = createReadCounter(redis, () => {}, { clock: () => Promise.resolve(time) });
    for (const id of kols) for (let read = 0; read < reads; read += 1) counter.count(id);
    await counter.close();
  };
  for (const daysAgo of [3, 2, 1, 0]) {
    if (daysAgo > 0) await countAt(comingHour - daysAgo * 24 * HOUR, atComingHour, 200);
    await countAt(comingHour - (daysAgo * 24 + 4) * HOUR, atOtherHours, 50);
  }
  const { recent } = await readKnownReads(redis, new Date());
  expect(recent.slice(0, room).map(({ id }) => id).sort()).toEqual(atOtherHours.sort()); // prettier-ignore

  await harness.warm({ parts: ['profiles'] });
  const warm = (await allKeys(redis)).filter((key) => key.startsWith(profile.key('')));
  expect(warm.sort()).toEqual(atComingHour.map(profile.key).sort());
});
