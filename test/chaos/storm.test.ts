import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import type { Arena } from './arena.ts';
import { createBench, type Bench } from './bench.ts';
import { startChaosEngines, type ChaosEngines } from './chaos-engines.ts';
import { Crew, persist } from './storm.ts';
import { WorkerProcess } from './worker-process.ts';

const EVENTS = 100_000;
const PARTITIONS = 6;
const CHUNK = 1000;
/** At this pace events come for two minutes, while everything happens. */
const CHUNK_EVERY_MS = 1200;
/** At most; see Crew. */
const KILL_EVERY_MS = 2000;
/** Longer than a heartbeat may be missing. */
const HUNG_MS = 14_000;

let engines: ChaosEngines;
let bench: Bench;
beforeAll(async () => {
  engines = await startChaosEngines();
  bench = await createBench(engines.addresses);
});
afterAll(async () => {
  await bench?.close();
  await engines?.stop();
});

/** Sends the events at a steady pace; what a broker that is away refuses is sent again, then perhaps twice. */
async function feed(arena: Arena): Promise<void> {
  for (let first = 0; first < EVENTS; first += CHUNK) {
    await persist(() => arena.produce(first, CHUNK));
    await sleep(CHUNK_EVERY_MS);
  }
}

test('100,000 events, with everything that can go wrong in the meantime: nothing is lost, nothing is double', async () => {
  const arena = await bench.arena('storm', {
    ...{ partitions: PARTITIONS, ids: 5000, maxOffsets: 1000 },
    events: CHUNK,
  });
  let loop = await arena.startLoop();
  const crew = new Crew(arena);
  await crew.start(KILL_EVERY_MS);
  const started = performance.now();
  const at = () => `${Math.round((performance.now() - started) / 1000)} s`;
  const fed = feed(arena);
  const progress = setInterval(() => {
    void arena.committed().then(
      ({ count, of }) => console.log(`${at()}: ${count} of ${of} committed, ${crew.kills} workers killed`),
      (error: unknown) => console.log(`${at()}: ${String(error)}`),
    );
  }, 10_000);

  const troubles: [name: string, trouble: () => Promise<unknown>][] = [
    ['Redis killed and started', () => engines.redis.kill().then(() => engines.redis.start())],
    [
      'a worker hung and woke again',
      async () => {
        const hung = crew.release();
        hung.stop();
        await sleep(HUNG_MS);
        hung.continue();
      },
    ],
    ['the broker killed and started', () => engines.kafka.kill().then(() => engines.kafka.start())],
    ['Temporal stopped and started', () => engines.temporal.stop().then(() => engines.temporal.start())],
    [
      'the loop terminated and started',
      async () => {
        await persist(() => loop.terminate('chaos'));
        loop = await persist(() => arena.startLoop());
      },
    ],
    [
      'its transactional ids hijacked',
      async () => {
        const hijacker = new WorkerProcess(
          { ...arena.environment, CHAOS_TOPIC: arena.topic, CHAOS_PARTITIONS: String(PARTITIONS) },
          {},
          'hijacker',
        );
        await hijacker.says('has hijacked');
        await hijacker.kill();
        expect(hijacker.saying('holds').length).toBeGreaterThan(0);
      },
    ],
  ];
  for (const [index, [name, trouble]] of troubles.entries()) {
    const share = (index + 1) / (troubles.length + 2);
    await until(
      `${Math.round(share * 100)} % of the events are committed`,
      async () => ((await arena.committed().catch(() => undefined))?.count ?? 0) >= share * EVENTS,
      600,
    );
    const before = at();
    await trouble();
    console.log(`${name}: ${before} to ${at()}`);
  }
  await fed;
  clearInterval(progress);
  await crew.spare();
  await arena.untilAllCommitted(600);
  console.log(`everything committed: ${at()}, ${crew.kills} workers killed`);
  await arena.close();

  const account = (await bench.accounts([arena])).get(arena.topic);
  console.log(account);
  expect(account?.violations).toEqual([]);
  expect(account?.input).toBeGreaterThanOrEqual(EVENTS);
  expect(account?.counts.superseded).toBeGreaterThan(0);
  expect(crew.kills).toBeGreaterThan(10);
});
