/** Returns a uniform random number in [0, 1). */
export type Random = () => number;

/** @returns a generator that gives the same numbers for the same seed (mulberry32) */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const chance = (random: Random, probability: number): boolean => random() < probability;

/** One of the items, all with the same probability. */
export function pick<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

/** One of the items. The n-th has about 1/n of the probability of the first (Zipf), because scrapers visit a few subjects very often. */
export function pickPopular<T>(random: Random, items: readonly [T, ...T[]]): T {
  return items[Math.floor((items.length + 1) ** random()) - 1] ?? items[0];
}

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
