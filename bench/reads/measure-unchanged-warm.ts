import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { profile } from '../../domain/entities/profile.ts';
import { processorSeconds } from '../core-shares.ts';
import { median } from '../figures.ts';
import { startWarming } from '../warming/start-warming.ts';
import { zipfTrace } from '../zipf-trace.ts';
import { fetchEach } from './fetch-each.ts';
import type { ReadBench } from './start-servers.ts';

/** Profiles that clients read again and again, some of them much more often than others. */
const READ_PROFILES = 2000;
const POPULARITY = { skew: 1, driftPerHour: 0, followersCorrelation: 0 };
const REQUESTS_PER_SECOND = 500;
const CONNECTIONS = 8;
const WINDOW_SECONDS = 60;
const IDLE_SECONDS = 10;
const ROUNDS = 5;
const GOAL_CPU_MS = 50;
const GOAL_FALL_PERCENT = 5;
const TOKEN = 'token-of-the-benchmark';

/** The cost of an unchanged warm for an API process: processor time without requests, and hits in L1 around the warm. */
export async function measureUnchangedWarm({ bench, servers }: ReadBench): Promise<void> {
  const { warm, redis } = await startWarming(bench);
  const warmAll = () => warm({ parts: ['profiles'], allProfiles: true });
  await warmAll();
  const cached = await redis.keys(profile.key('*'));
  const { url, pid } = await servers.api('api-warm', { API_TOKEN: TOKEN });
  const prefix = profile.key('');
  const paths = cached
    .slice(0, READ_PROFILES)
    .map((key) => `/api/v1/kols/${encodeURIComponent(key.slice(prefix.length))}`);
  const fillLocally = async () => {
    for (let read = 0; read < 2; read += 1) await fetchEach(paths.map((path) => url + path));
  };

  const idleShare = (await processorTime(pid, () => sleep(IDLE_SECONDS * 1000))) / IDLE_SECONDS;
  const round = async () => {
    await fillLocally();
    const startedAt = performance.now();
    const busy = await processorTime(pid, warmAll);
    return (busy - (idleShare * (performance.now() - startedAt)) / 1000) * 1000;
  };
  const rounds: number[] = [];
  while (rounds.length < ROUNDS) rounds.push(await round());
  console.log(`processor time of each round: ${rounds.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  const cpuMs = median(rounds);
  bench.figure({
    what: `processor time of an API process for an unchanged warm of ${cached.length} profiles, ${READ_PROFILES} of them in L1; median of ${ROUNDS}`,
    value: `${cpuMs.toFixed(0)} ms`,
    against: `goal ≤ ${GOAL_CPU_MS} ms`,
    ratio: cpuMs / GOAL_CPU_MS,
  });

  const usual = await localHitPercent(url, paths, () => Promise.resolve());
  const around = await localHitPercent(url, paths, async () => {
    await sleep((WINDOW_SECONDS / 2) * 1000);
    await warmAll();
  });
  bench.figure({
    what: `L1 hits of ${REQUESTS_PER_SECOND} requests/s in the ${WINDOW_SECONDS} s around an unchanged warm`,
    value: `${around.toFixed(1)} %, without a warm ${usual.toFixed(1)} %`,
    against: `goal: a fall of ≤ ${GOAL_FALL_PERCENT} %`,
    ratio: (usual - around) / GOAL_FALL_PERCENT,
  });
}

async function processorTime(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = processorSeconds(pid);
  await work();
  return processorSeconds(pid) - before;
}

/** The share of reads that L1 answers at a fixed request rate while other work runs. */
async function localHitPercent(
  url: string,
  paths: readonly string[],
  meanwhile: () => Promise<unknown>,
): Promise<number> {
  const before = await outcomes(url);
  const trace = zipfTrace(paths.length, POPULARITY, 1);
  const load = autocannon({
    ...{ url, connections: CONNECTIONS, overallRate: REQUESTS_PER_SECOND, duration: WINDOW_SECONDS },
    // each connection has different reads; otherwise all would miss a key at the same moment
    setupClient(client) {
      const reads = trace.draw((WINDOW_SECONDS * REQUESTS_PER_SECOND) / CONNECTIONS);
      client.setRequests(Array.from(reads, (kol) => ({ path: paths[kol] ?? '' })));
    },
  });
  await Promise.all([load, meanwhile()]);
  const after = await outcomes(url);
  const grown = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  const all = ['l1', 'hit', 'stale', 'negative', 'miss', 'refresh', 'bypass'].reduce(
    (sum, name) => sum + grown(name),
    0,
  );
  return (grown('l1') / all) * 100;
}

async function outcomes(url: string): Promise<Readonly<Record<string, number>>> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${url}/api/v1/cache/status`, { headers });
  const { process } = (await answer.json()) as { process: Record<string, number> };
  return process;
}
