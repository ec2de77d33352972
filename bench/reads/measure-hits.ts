import { median } from '../figures.ts';
import type { ReadBench } from './start-servers.ts';
import { measureLoad, type Load, type Target } from './measure-load.ts';
import { PROFILE_PATH, TOP_PATH } from './start-servers.ts';

/** A comparison of the API with a bare server, and the goal of the ratio. */
interface Comparison {
  readonly what: string;
  readonly api: Target;
  readonly bare: Target;
  readonly goal: number;
}

/** Hits of the API, compared with bare servers. Rounds are interleaved, and a ratio is the median of the ratios of each round. */
export async function measureHits(reads: ReadBench): Promise<void> {
  const { bench, rounds, seconds } = reads;
  const comparisons = await startComparisons(reads);
  const targets = new Map(
    comparisons.flatMap(({ api, bare }) => [api, bare]).map((target) => [target.url, target]),
  );
  for (const target of targets.values()) await measureLoad(target, 1); // compiles the code that runs
  const measured: ReadonlyMap<string, Load>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const loads = new Map<string, Load>();
    for (const target of targets.values()) loads.set(target.url, await measureLoad(target, seconds));
    measured.push(loads);
  }
  for (const { what, api, bare, goal } of comparisons) {
    const middle = (of: (loads: ReadonlyMap<string, Load>) => number) => median(measured.map(of));
    const rate = ({ url }: Target) =>
      Math.round(middle((loads) => loads.get(url)?.requestsPerSecond ?? Number.NaN));
    const ratio = (unit: keyof Load) =>
      middle(
        (loads) => (loads.get(api.url)?.[unit] ?? Number.NaN) / (loads.get(bare.url)?.[unit] ?? Number.NaN),
      );
    const perCore = ratio('requestsPerCoreSecond');
    bench.figure({
      what,
      value: `${rate(api)}/s, ${rate(bare)}/s: ${ratio('requestsPerSecond').toFixed(2)} ×; per core ${perCore.toFixed(2)} ×`,
      against: `goal ${goal} ×`,
      ratio: ratio('requestsPerSecond') / goal,
    });
  }
}

/** The rate limit is on, but no client reaches it. */
const UNREACHED = { API_RATE_LIMIT: '1000000000' };

async function startComparisons({ bench, servers, profiling }: ReadBench): Promise<Comparison[]> {
  const { api, baseline } = servers;
  const local = await api('api-l1', UNREACHED, profiling);
  const remote = await api('api-redis', { ...UNREACHED, API_L1_MEGABYTES: '0' }, profiling);
  const at = (target: Target, path: string): Target => ({ ...target, url: target.url + path });
  const comparisons: Comparison[] = [];
  for (const [what, path] of [
    ['a profile', PROFILE_PATH],
    ['the top 100', TOP_PATH],
  ] as const) {
    const hit = at(local, path);
    for (let read = 0; read < 3; read += 1) await fetch(hit.url); // Redis, L1, the kept answer
    const name = path.split('/').at(-1) ?? '';
    const bareExpress = await baseline(`express-${name}`, 'express', hit.url, path);
    const bareHttp = await baseline(`http-${name}`, 'http', hit.url, path);
    comparisons.push(
      { what: `${what} from L1, and bare Express`, api: hit, bare: bareExpress, goal: 3 },
      { what: `${what} from L1, and bare node:http`, api: hit, bare: bareHttp, goal: 0.7 },
    );
  }
  const bareRedis = await baseline('express-redis', 'redis', bench.stack.addresses.REDIS_URL, PROFILE_PATH);
  comparisons.push({
    what: 'a profile from Redis, and bare Express with ioredis',
    api: at(remote, PROFILE_PATH),
    bare: bareRedis,
    goal: 1.5,
  });
  return comparisons;
}
