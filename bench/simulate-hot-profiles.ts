import { profile } from '../domain/entities/profile.ts';
import { readCounts } from '../domain/entities/read-counts.ts';
import {
  selectMostRead,
  createFill,
  readWeight,
  selectStillRead,
  type CountedProfile,
} from '../domain/warming/hot-profiles.ts';
import { zipfTrace, type Popularity } from './zipf-trace.ts';

/** Reads of profiles over some hours, with a warm now and then. */
export interface Scenario extends Popularity {
  readonly kols: number;
  readonly readsPerSecond: number;
  readonly hours: number;
  readonly warmEverySeconds: number;
  /** Hit rates are those from here on; before it, reads are counted only. */
  readonly measuredFromHour: number;
  readonly seed: number;
  /** Another half-life than the system's, to compare. */
  readonly halfLifeSeconds?: number;
  /** Likewise another limit below which reads do not count. */
  readonly leastReads?: number;
}

/** How the profiles that a warm keeps may be chosen. */
export const choices = ['followers', 'reads', 'both'] as const;
export type Choice = (typeof choices)[number];

/** Shares of reads, 0–1. */
export interface HitRates {
  /** Reads of what the last warm chose. */
  readonly chosen: Readonly<Record<Choice, number>>;
  /** The best that a choice can be on average: those most likely to be read. */
  readonly best: number;
  /** Those that were in fact read most until the next warm, which nobody can know. */
  readonly hindsight: number;
  /** Reads of what Redis held: chosen by this warm or an earlier one, refreshed, or filled by a miss, each until its TTL is over. */
  readonly served: Readonly<Record<Choice | 'noWarm', number>>;
}

/**
 * Plays a scenario for several rooms at once. Counts, choice and refresh are those of domain/warming/hot-profiles.ts; Redis is taken to
 * be large enough to evict nothing.
 * @returns the hit rates of each room, in the order given
 */
export function simulateHotProfiles(scenario: Scenario, rooms: readonly number[]): HitRates[] {
  const { kols, warmEverySeconds: every, halfLifeSeconds } = scenario;
  const trace = zipfTrace(kols, scenario, scenario.seed);
  const ids = Array.from({ length: kols }, (_, kol) => String(kol));
  const toKols = (chosen: readonly string[]) => chosen.map(Number);
  const byFollowers = Array.from(trace.byFollowers, String);
  const weights = new Float64Array(kols);
  const results = rooms.map((room) => createTally(room, kols));

  for (let now = 0; now < scenario.hours * 3600; now += every) {
    const counted = mostRead(ids, weights, readWeight(now, halfLifeSeconds));
    const batch = trace.draw(Math.round(scenario.readsPerSecond * every));
    const reads = new Int32Array(kols);
    for (const kol of batch) reads[kol] = (reads[kol] ?? 0) + 1;
    const mostFirst = reads.slice().sort().reverse();

    for (const tally of results) {
      const { room } = tally;
      const asked = selectMostRead(counted, room, scenario.leastReads);
      const chosen = {
        followers: toKols(byFollowers.slice(0, room)),
        reads: toKols(counted.slice(0, room).map(({ id }) => id)),
        both: toKols([...asked, ...byFollowers.filter(createFill(asked, room))]),
      };
      const refresh = toKols(selectStillRead(counted.slice(room), profile.ttlSeconds, halfLifeSeconds));
      const served = serve(tally.expiries, chosen, refresh, batch, now, every);
      if (now < scenario.measuredFromHour * 3600) continue;
      for (const choice of choices) tally.chosen[choice] += readsOf(reads, chosen[choice]);
      tally.best += readsOf(reads, trace.byPopularity.slice(0, room));
      tally.hindsight += mostFirst.slice(0, room).reduce((sum, count) => sum + count, 0);
      for (const choice of keptWays) tally.served[choice] += served[choice];
      tally.reads += batch.length;
    }

    const weight = readWeight(now + every, halfLifeSeconds);
    reads.forEach((count, kol) => {
      weights[kol] = (weights[kol] ?? 0) + count * weight;
    });
    trace.pass(every / 3600);
  }
  return results.map(ratesOf);
}

/** As the sorted set in Redis gives them. */
const mostRead = (ids: readonly string[], weights: Float64Array, weightNow: number): CountedProfile[] =>
  ids
    .filter((_, kol) => (weights[kol] ?? 0) > 0)
    .map((id) => ({ id, reads: (weights[Number(id)] ?? 0) / weightNow }))
    .sort((a, b) => b.reads - a.reads)
    .slice(0, readCounts.most);

const keptWays = [...choices, 'noWarm'] as const;
type KeptWay = (typeof keptWays)[number];

function createTally(room: number, kols: number) {
  const none = () => ({ followers: 0, reads: 0, both: 0, noWarm: 0 });
  const expiries: Record<KeptWay, Float64Array> = {
    followers: new Float64Array(kols),
    reads: new Float64Array(kols),
    both: new Float64Array(kols),
    noWarm: new Float64Array(kols),
  };
  return { room, expiries, chosen: none(), served: none(), best: 0, hindsight: 0, reads: 0 };
}

function ratesOf({ chosen, served, best, hindsight, reads }: ReturnType<typeof createTally>): HitRates {
  const share = <K extends string>(hits: Readonly<Record<K, number>>) =>
    Object.fromEntries(Object.entries<number>(hits).map(([way, count]) => [way, count / reads])) as Record<
      K,
      number
    >;
  return { chosen: share(chosen), served: share(served), best: best / reads, hindsight: hindsight / reads };
}

function readsOf(reads: Int32Array, kols: Iterable<number>): number {
  let sum = 0;
  for (const kol of kols) sum += reads[kol] ?? 0;
  return sum;
}

/** Warms, then reads until the next warm. @returns hits of each way */
function serve(
  expiries: Readonly<Record<KeptWay, Float64Array>>,
  chosen: Readonly<Record<Choice, readonly number[]>>,
  refresh: readonly number[],
  batch: Int32Array,
  now: number,
  every: number,
): Record<KeptWay, number> {
  const ttl = profile.ttlSeconds;
  for (const kol of refresh) {
    const left = (expiries.both[kol] ?? 0) - now;
    if (left > 0 && left < every) expiries.both[kol] = now + ttl;
  }
  for (const choice of choices) for (const kol of chosen[choice]) expiries[choice][kol] = now + ttl;
  const hits = (expiry: Float64Array) => {
    let count = 0;
    batch.forEach((kol, index) => {
      const at = now + (every * index) / batch.length;
      if ((expiry[kol] ?? 0) > at) count += 1;
      else expiry[kol] = at + ttl;
    });
    return count;
  };
  return {
    followers: hits(expiries.followers),
    reads: hits(expiries.reads),
    both: hits(expiries.both),
    noWarm: hits(expiries.noWarm),
  };
}
