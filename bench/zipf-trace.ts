import { seededRandom, type Random } from '../simulators/producer/random.ts';

/** The distribution of reads over KOLs. */
export interface Popularity {
  /** Zipf's exponent: the n-th most popular KOL is read 1 / n^skew as often as the first. */
  readonly skew: number;
  /** Share of KOLs that exchange their popularity with another KOL, per hour. */
  readonly driftPerHour: number;
  /** Correlation between the logarithms of reads and followers. */
  readonly followersCorrelation: number;
  /** KOLs are read at different hours of the day; without it, at all hours alike. */
  readonly daily?: DailyPattern;
}

/** Each KOL is in one of some groups. The groups share the day: each is active for the same number of hours, one after the other. */
export interface DailyPattern {
  readonly groups: number;
  /** Reads of a KOL outside of the hours of its group, relative to those inside. */
  readonly quiet: number;
}

/** A sequence of profile reads. KOLs are numbers from 0. */
interface ZipfTrace {
  /** KOLs by followers, most followed first. */
  readonly byFollowers: Int32Array;
  /** KOLs by their current probability to be read, most likely first. */
  byLikelihood(): Int32Array;
  /** The next reads, with the current popularity. */
  draw(reads: number): Int32Array;
  /** Lets popularity drift for this time. */
  advance(hours: number): void;
}

/** Creates a trace; the same seed gives the same trace. */
export function zipfTrace(kols: number, popularity: Popularity, seed: number): ZipfTrace {
  const random = seededRandom(seed);
  const byPopularity = shuffled(kols, random);
  const cumulative = cumulativeZipf(kols, popularity.skew);
  const byFollowers = sortByFollowers(byPopularity, popularity.followersCorrelation, random);
  const { daily } = popularity;
  let hour = 0;
  /** The share of its popularity that a KOL has at this hour. */
  const activity = ({ groups, quiet }: DailyPattern, kol: number): number =>
    kol % groups === Math.floor(((hour % 24) * groups) / 24) ? 1 : quiet;
  const drawAny = () => byPopularity[indexOf(cumulative, random())] ?? 0;
  const drawActive = (pattern: DailyPattern): number => {
    for (;;) {
      const kol = drawAny();
      if (random() < activity(pattern, kol)) return kol;
    }
  };
  return {
    byFollowers,
    byLikelihood: () =>
      daily === undefined
        ? byPopularity
        : sortByLikelihood(
            byPopularity,
            (kol, rank) => activity(daily, kol) * (rank + 1) ** -popularity.skew,
          ),
    draw: (reads) =>
      Int32Array.from({ length: reads }, () => (daily === undefined ? drawAny() : drawActive(daily))),
    advance: (hours) => {
      hour += hours;
      // Each exchange moves two KOLs.
      for (let exchange = 0; exchange < (kols * popularity.driftPerHour * hours) / 2; exchange += 1)
        swap(byPopularity, Math.floor(random() * kols), Math.floor(random() * kols));
    },
  };
}

function cumulativeZipf(kols: number, skew: number): Float64Array {
  const cumulative = new Float64Array(kols);
  let sum = 0;
  for (let rank = 0; rank < kols; rank += 1) cumulative[rank] = sum += (rank + 1) ** -skew;
  return cumulative.map((value) => value / sum);
}

/** The first index whose cumulative probability is above `draw`. */
function indexOf(cumulative: Float64Array, draw: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulative[middle] ?? 1) > draw) high = middle;
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
  const previous = items[a] ?? 0;
  items[a] = items[b] ?? 0;
  items[b] = previous;
}

/**
 * Sorts KOLs by synthetic followers. The logarithm of a Zipf rank has an exponential distribution with a standard deviation of 1, so the
 * logarithm of the followers is a weighted sum of it and of normal noise with the same deviation.
 */
function sortByFollowers(byPopularity: Int32Array, correlation: number, random: Random): Int32Array {
  const noiseWeight = Math.sqrt(1 - correlation ** 2);
  const scores = new Float64Array(byPopularity.length);
  byPopularity.forEach((kol, rank) => {
    scores[kol] = noiseWeight * normal(random) - correlation * Math.log(rank + 1);
  });
  return byPopularity.slice().sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
}

function sortByLikelihood(
  byPopularity: Int32Array,
  likelihood: (kol: number, rank: number) => number,
): Int32Array {
  const likelihoods = new Float64Array(byPopularity.length);
  byPopularity.forEach((kol, rank) => {
    likelihoods[kol] = likelihood(kol, rank);
  });
  return byPopularity.slice().sort((a, b) => (likelihoods[b] ?? 0) - (likelihoods[a] ?? 0));
}

/** A standard normal random number (Box-Muller). */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
