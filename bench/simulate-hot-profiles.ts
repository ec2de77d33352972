import { profile } from '../domain/entities/profile.ts';
import { hourlyReads, recentReads } from '../domain/entities/read-counts.ts';
import {
  chooseHotProfiles,
  createFill,
  type ComparedSettings,
  type KnownReads,
} from '../domain/warming/choose-hot-profiles.ts';
import { readWeight, WARM_SECONDS, type CountedProfile } from '../domain/warming/hot-profiles.ts';
import { hourOfDay, hourReads, HOURS, hoursAhead } from '../domain/warming/read-forecast.ts';
import { zipfTrace, type Popularity } from './zipf-trace.ts';

/** Reads of profiles over some hours, with periodic warms. */
export interface Scenario extends Popularity, ComparedSettings {
  readonly kols: number;
  readonly readsPerSecond: number;
  readonly hours: number;
  readonly warmEverySeconds: number;
  /** Hit rates are measured from this hour on; before it, reads are only counted. */
  readonly measuredFromHour: number;
  readonly seed: number;
}

/**
 * Ways to choose the profiles that a warm keeps: the most followed, the most read, the most read and then the most followed, or those that
 * the forecast for the coming hour expects to be read most and then the most followed, as the warm does.
 */
const choices = ['followers', 'reads', 'both', 'forecast'] as const;
type Choice = (typeof choices)[number];

/** The choices, and a cache without warms. */
const policies = [...choices, 'noWarm'] as const;
type Policy = (typeof policies)[number];

/** The choices that also refresh profiles beyond the room. */
const refreshing = ['both', 'forecast'] as const;
type Refreshing = (typeof refreshing)[number];

/** Shares of reads, 0–1. */
export interface HitRates {
  /** Reads of profiles that the last warm chose. */
  readonly chosen: Readonly<Record<Choice, number>>;
  /** The best possible choice on average: the KOLs that are most likely to be read. */
  readonly best: number;
  /** The KOLs that were actually read most until the next warm, which no choice can predict. */
  readonly hindsight: number;
  /** Reads of profiles in Redis: chosen by this warm or an earlier one, refreshed, or filled by a miss, each until its TTL expires. */
  readonly served: Readonly<Record<Policy, number>>;
}

/**
 * Simulates a scenario for several rooms at the same time. Weights, forecast, choice, fill and refresh are functions of domain/warming, which
 * the warm calls too. The sorted sets of Redis are arrays here, and Redis is assumed to be large enough to evict nothing.
 * @param rooms numbers of profiles that a warm keeps
 * @returns the hit rates of each room, in the same order
 */
export function simulateHotProfiles(scenario: Scenario, rooms: readonly number[]): HitRates[] {
  const { kols, warmEverySeconds, halfLifeSeconds } = scenario;
  const trace = zipfTrace(kols, scenario, scenario.seed);
  const byFollowers = Array.from(trace.byFollowers, String);
  const counter = createCounter(kols, { ...recentReads, ...(halfLifeSeconds && { halfLifeSeconds }) });
  const hourly = Array.from({ length: HOURS }, () => createCounter(kols, hourlyReads));
  const tallies = rooms.map((room) => createTally(room, kols));

  for (let now = 0; now < scenario.hours * 3600; now += warmEverySeconds) {
    const recent = counter.mostRead(now);
    const hours = hourly.map((counted, hour) =>
      hourReads(hour, { counted: counted.mostRead(now), start: counted.start() ?? now }, now),
    );
    const coming = hoursAhead(now, warmEverySeconds + WARM_SECONDS);
    const batch = trace.draw(Math.round(scenario.readsPerSecond * warmEverySeconds));
    const reads = countReads(batch, kols);
    const highestCounts = reads.slice().sort().reverse();
    const mostLikely = trace.byLikelihood();

    for (const tally of tallies) {
      const { chosen, refresh } = choose(
        { recent, hourly: hours },
        coming,
        byFollowers,
        tally.room,
        scenario,
      );
      const served = serve(tally.expiries, chosen, refresh, batch, { now, warmEverySeconds });
      if (now < scenario.measuredFromHour * 3600) continue;
      for (const choice of choices) tally.chosen[choice] += readsOf(reads, chosen[choice]);
      for (const policy of policies) tally.served[policy] += served[policy];
      tally.best += readsOf(reads, mostLikely.slice(0, tally.room));
      tally.hindsight += highestCounts.slice(0, tally.room).reduce((sum, count) => sum + count, 0);
      tally.reads += batch.length;
    }

    counter.add(reads, now + warmEverySeconds);
    // counts are written every few seconds, so these reads belong to their own hour
    hourly[hourOfDay(now)]?.add(reads, now + warmEverySeconds);
    trace.advance(warmEverySeconds / 3600);
  }
  return tallies.map(toHitRates);
}

const toKols = (ids: readonly string[]): number[] => ids.map(Number);

/** Weighted reads, like a sorted set in Redis. */
function createCounter(
  kols: number,
  { halfLifeSeconds, maxMembers }: { readonly halfLifeSeconds: number; readonly maxMembers: number },
) {
  const weights = new Float64Array(kols);
  let start: number | undefined;
  /** The most read KOLs; sorted at the first access after a change. */
  let order: number[] | undefined;
  const sort = () =>
    Array.from(weights.keys())
      .filter((kol) => (weights[kol] ?? 0) > 0)
      .sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
      .slice(0, maxMembers);
  return {
    start: () => start,
    mostRead(now: number): CountedProfile[] {
      const weightNow = readWeight(now - (start ?? now), halfLifeSeconds);
      order ??= sort();
      return order.map((kol) => ({ id: String(kol), reads: (weights[kol] ?? 0) / weightNow }));
    },
    add(reads: Int32Array, now: number): void {
      start ??= now;
      order = undefined;
      const weight = readWeight(now - start, halfLifeSeconds);
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

type Choices = Readonly<Record<Choice, readonly number[]>>;

function choose(
  reads: KnownReads,
  coming: readonly number[],
  byFollowers: readonly string[],
  room: number,
  compared: ComparedSettings,
): { chosen: Choices; refresh: Readonly<Record<Refreshing, readonly number[]>> } {
  const limits = { room, ttlSeconds: profile.ttlSeconds };
  const both = chooseHotProfiles({ ...reads, hourly: [] }, { ...limits, coming: [] }, compared);
  const forecast = chooseHotProfiles(reads, { ...limits, coming }, compared);
  const filled = (mostRead: readonly string[]) =>
    toKols([...mostRead, ...createFill<string>(room - mostRead.length, mostRead, (id) => id)(byFollowers)]);
  return {
    chosen: {
      followers: toKols(byFollowers.slice(0, room)),
      reads: toKols(reads.recent.slice(0, room).map(({ id }) => id)),
      both: filled(both.mostRead),
      forecast: filled(forecast.mostRead),
    },
    refresh: { both: toKols(both.stillRead), forecast: toKols(forecast.stillRead) },
  };
}

function createTally(room: number, kols: number) {
  const zeros = () => ({ followers: 0, reads: 0, both: 0, forecast: 0, noWarm: 0 });
  /** When the profile of each KOL expires from Redis, in seconds. */
  const expiries: Record<Policy, Float64Array> = {
    followers: new Float64Array(kols),
    reads: new Float64Array(kols),
    both: new Float64Array(kols),
    forecast: new Float64Array(kols),
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
  chosen: Choices,
  refresh: Readonly<Record<Refreshing, readonly number[]>>,
  batch: Int32Array,
  { now, warmEverySeconds }: { readonly now: number; readonly warmEverySeconds: number },
): Record<Policy, number> {
  const ttl = profile.ttlSeconds;
  for (const policy of refreshing)
    for (const kol of refresh[policy]) {
      const remaining = (expiries[policy][kol] ?? 0) - now;
      if (remaining > 0 && remaining < warmEverySeconds) expiries[policy][kol] = now + ttl;
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
    forecast: countHits(expiries.forecast),
    noWarm: countHits(expiries.noWarm),
  };
}
