import { seededRandom, type Random } from '../simulators/producer/random.ts';

/** How reads are spread over KOLs. */
export interface Popularity {
  /** Zipf's exponent: the n-th most popular KOL is read 1 / n^skew as often as the first. */
  readonly skew: number;
  /** Share of KOLs that trade their popularity with another, each hour. */
  readonly driftPerHour: number;
  /** Correlation of the logarithms of reads and followers. */
  readonly followersCorrelation: number;
}

/** Reads of profiles in the order of time, KOLs as numbers from 0. */
export interface ZipfTrace {
  /** Most followers first. */
  readonly byFollowers: Int32Array;
  /** KOLs by popularity now, most popular first. */
  readonly byPopularity: Int32Array;
  /** The next reads, at the popularity of now. */
  draw(reads: number): Int32Array;
  /** Lets popularity drift. */
  pass(hours: number): void;
}

/** The same trace for the same seed. */
export function zipfTrace(kols: number, popularity: Popularity, seed: number): ZipfTrace {
  const random = seededRandom(seed);
  const byPopularity = shuffled(kols, random);
  const cumulated = cumulatedZipf(kols, popularity.skew);
  return {
    byPopularity,
    byFollowers: byFollowersOf(byPopularity, popularity.followersCorrelation, random),
    draw: (reads) =>
      Int32Array.from({ length: reads }, () => byPopularity[indexOf(cumulated, random())] ?? 0),
    pass: (hours) => {
      // Each trade moves two.
      for (let trade = 0; trade < (kols * popularity.driftPerHour * hours) / 2; trade += 1)
        swap(byPopularity, Math.floor(random() * kols), Math.floor(random() * kols));
    },
  };
}

function cumulatedZipf(kols: number, skew: number): Float64Array {
  const cumulated = new Float64Array(kols);
  let sum = 0;
  for (let rank = 0; rank < kols; rank += 1) cumulated[rank] = sum += (rank + 1) ** -skew;
  return cumulated.map((value) => value / sum);
}

/** The first place whose cumulated probability is above `drawn`. */
function indexOf(cumulated: Float64Array, drawn: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulated[middle] ?? 1) > drawn) high = middle;
    else low = middle + 1;
  }
  return low;
}

function shuffled(length: number, random: Random): Int32Array {
  const items = Int32Array.from({ length }, (_, index) => index);
  for (let last = length - 1; last > 0; last -= 1) swap(items, last, Math.floor(random() * (last + 1)));
  return items;
}

function swap(items: Int32Array, a: number, b: number): void {
  const kept = items[a] ?? 0;
  items[a] = items[b] ?? 0;
  items[b] = kept;
}

/**
 * KOLs by followers. The logarithm of a Zipf rank is exponentially distributed, with a deviation of 1: so that of the followers is made of
 * it and of normal noise of the same deviation.
 */
function byFollowersOf(byPopularity: Int32Array, correlation: number, random: Random): Int32Array {
  const noise = Math.sqrt(1 - correlation ** 2);
  const scores = new Float64Array(byPopularity.length);
  byPopularity.forEach((kol, rank) => {
    scores[kol] = noise * normal(random) - correlation * Math.log(rank + 1);
  });
  return byPopularity.slice().sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

/** Standard normal (Box-Muller). */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
