import { profile } from '../domain/entities/profile.ts';
import { readCounts } from '../domain/entities/read-counts.ts';
import {
  readWeight,
  selectMostRead,
  selectStillRead,
  type CountedProfile,
} from '../domain/warming/hot-profiles.ts';
import { zipfTrace, type Popularity } from './zipf-trace.ts';

/** Reads of profiles over some hours, with periodic warms. */
export interface Scenario extends Popularity {
  readonly kols: number;
  readonly readsPerSecond: number;
  readonly hours: number;
  readonly warmEverySeconds: number;
  /** Hit rates are measured from this hour on; before it, reads are only counted. */
  readonly measuredFromHour: number;
  readonly seed: number;
  /** Half-life to compare with the system's. */
  readonly halfLifeSeconds?: number;
  /** Minimum of counted reads to compare with the system's. */
  readonly minReads?: number;
}

/** Ways to choose the profiles that a warm keeps: the most followed, the most read, or the most read and then the most followed. */
const choices = ['followers', 'reads', 'both'] as const;
type Choice = (typeof choices)[number];

/** The choices, and a cache without warms. */
const policies = [...choices, 'noWarm'] as const;
type Policy = (typeof policies)[number];

/** Shares of reads, 0–1. */
export interface HitRates {
  /** Reads of profiles that the last warm chose. */
  readonly chosen: Readonly<Record<Choice, number>>;
  /** The best possible choice on average: the KOLs that are most likely to be read. */
  readonly best: number;
  /** The KOLs that were in fact read most until the next warm, which no choice can know. */
  readonly hindsight: number;
  /** Reads of profiles in Redis: chosen by this warm or an earlier one, refreshed, or filled by a miss, each until its TTL expires. */
  readonly served: Readonly<Record<Policy, number>>;
}

/**
 * Simulates a scenario for several rooms at the same time. Read weights, the choice of the most read and the refresh are functions of
 * domain/warming/hot-profiles.ts. The fill with the most followed is simulated here: the warm reads them from the lakehouse.
 * Redis is assumed to be large enough to evict nothing.
 * @param rooms numbers of profiles that a warm keeps
 * @returns the hit rates of each room, in the same order
 */
export function simulateHotProfiles(scenario: Scenario, rooms: readonly number[]): HitRates[] {
  const { kols, warmEverySeconds, halfLifeSeconds } = scenario;
  const trace = zipfTrace(kols, scenario, scenario.seed);
  const byFollowers = Array.from(trace.byFollowers, String);
  const counter = createCounter(kols, halfLifeSeconds);
  const tallies = rooms.map((room) => createTally(room, kols));

  for (let now = 0; now < scenario.hours * 3600; now += warmEverySeconds) {
    const counted = counter.mostRead(now);
    const batch = trace.draw(Math.round(scenario.readsPerSecond * warmEverySeconds));
    const reads = countReads(batch, kols);
    const highestCounts = reads.slice().sort().reverse();

    for (const tally of tallies) {
      const chosen = choose(counted, byFollowers, tally.room, scenario.minReads);
      const refresh = toKols(selectStillRead(counted.slice(tally.room), profile.ttlSeconds, halfLifeSeconds));
      const served = serve(tally.expiries, chosen, refresh, batch, { now, warmEverySeconds });
      if (now < scenario.measuredFromHour * 3600) continue;
      for (const choice of choices) tally.chosen[choice] += readsOf(reads, chosen[choice]);
      for (const policy of policies) tally.served[policy] += served[policy];
      tally.best += readsOf(reads, trace.byPopularity.slice(0, tally.room));
      tally.hindsight += highestCounts.slice(0, tally.room).reduce((sum, count) => sum + count, 0);
      tally.reads += batch.length;
    }

    counter.add(reads, now + warmEverySeconds);
    trace.advance(warmEverySeconds / 3600);
  }
  return tallies.map(toHitRates);
}

const toKols = (ids: readonly string[]): number[] => ids.map(Number);

/** Weighted reads, like the sorted set in Redis. */
function createCounter(kols: number, halfLifeSeconds: number | undefined) {
  const ids = Array.from({ length: kols }, (_, kol) => String(kol));
  const weights = new Float64Array(kols);
  return {
    mostRead(now: number): CountedProfile[] {
      const weightNow = readWeight(now, halfLifeSeconds);
      return ids
        .filter((_, kol) => (weights[kol] ?? 0) > 0)
        .map((id) => ({ id, reads: (weights[Number(id)] ?? 0) / weightNow }))
        .sort((a, b) => b.reads - a.reads)
        .slice(0, readCounts.maxMembers);
    },
    add(reads: Int32Array, now: number): void {
      const weight = readWeight(now, halfLifeSeconds);
      reads.forEach((count, kol) => {
        weights[kol] = (weights[kol] ?? 0) + count * weight;
      });
    },
  };
}

function countReads(batch: Int32Array, kols: number): Int32Array {
  const reads = new Int32Array(kols);
  for (const kol of batch) reads[kol] = (reads[kol] ?? 0) + 1;
  return reads;
}

function choose(
  counted: readonly CountedProfile[],
  byFollowers: readonly string[],
  room: number,
  minReads: number | undefined,
): Record<Choice, number[]> {
  return {
    followers: toKols(byFollowers.slice(0, room)),
    reads: toKols(counted.slice(0, room).map(({ id }) => id)),
    both: toKols(fillWithMostFollowed(selectMostRead(counted, room, minReads), byFollowers, room)),
  };
}

/** The most read profiles, then the most followed of the others until the room is full. */
function fillWithMostFollowed(
  mostRead: readonly string[],
  byFollowers: readonly string[],
  room: number,
): string[] {
  const chosen = new Set(mostRead);
  for (const id of byFollowers) {
    if (chosen.size >= room) break;
    chosen.add(id);
  }
  return [...chosen];
}

function createTally(room: number, kols: number) {
  const zeros = () => ({ followers: 0, reads: 0, both: 0, noWarm: 0 });
  /** When the profile of each KOL expires from Redis, in seconds. */
  const expiries: Record<Policy, Float64Array> = {
    followers: new Float64Array(kols),
    reads: new Float64Array(kols),
    both: new Float64Array(kols),
    noWarm: new Float64Array(kols),
  };
  return { room, expiries, chosen: zeros(), served: zeros(), best: 0, hindsight: 0, reads: 0 };
}

function toHitRates({ chosen, served, best, hindsight, reads }: ReturnType<typeof createTally>): HitRates {
  const shares = <K extends string>(hits: Readonly<Record<K, number>>) =>
    Object.fromEntries(Object.entries<number>(hits).map(([key, count]) => [key, count / reads])) as Record<
      K,
      number
    >;
  return { chosen: shares(chosen), served: shares(served), best: best / reads, hindsight: hindsight / reads };
}

function readsOf(reads: Int32Array, kols: Iterable<number>): number {
  let sum = 0;
  for (const kol of kols) sum += reads[kol] ?? 0;
  return sum;
}

/** Simulates a warm and the reads until the next warm. @returns the hits of each policy */
function serve(
  expiries: Readonly<Record<Policy, Float64Array>>,
  chosen: Readonly<Record<Choice, readonly number[]>>,
  refresh: readonly number[],
  batch: Int32Array,
  { now, warmEverySeconds }: { readonly now: number; readonly warmEverySeconds: number },
): Record<Policy, number> {
  const ttl = profile.ttlSeconds;
  for (const kol of refresh) {
    const remaining = (expiries.both[kol] ?? 0) - now;
    if (remaining > 0 && remaining < warmEverySeconds) expiries.both[kol] = now + ttl;
  }
  for (const choice of choices) for (const kol of chosen[choice]) expiries[choice][kol] = now + ttl;
  const countHits = (expiry: Float64Array) => {
    let hits = 0;
    batch.forEach((kol, index) => {
      const readAt = now + (warmEverySeconds * index) / batch.length;
      if ((expiry[kol] ?? 0) > readAt) hits += 1;
      else expiry[kol] = readAt + ttl;
    });
    return hits;
  };
  return {
    followers: countHits(expiries.followers),
    reads: countHits(expiries.reads),
    both: countHits(expiries.both),
    noWarm: countHits(expiries.noWarm),
  };
}
