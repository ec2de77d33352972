import { hashOf } from './fingerprint.ts';

/**
 * With 24 bits and 16 hashes, the false-positive rate is about 1 in 100,000. Each false positive costs a query: with half the bits, 10,000
 * unknown ids would cost 30.
 */
const BITS_PER_ID = 24;
const HASHES = 16;

/** Identifies the format of filters. Change it with the code, because filters of another format cannot be read. */
export const BLOOM_FORMAT = 'bloom-24-16';

/** A set of ids in 3 bytes for each: it contains every added id, and by chance a few others. */
export type BloomFilter = Uint8Array;

/** An empty filter for this number of ids. */
export const createBloomFilter = (ids: number): BloomFilter =>
  new Uint8Array(Math.max(1, Math.ceil((ids * BITS_PER_ID) / 8)));

export function addToFilter(filter: BloomFilter, id: string): void {
  for (const bit of bitsOf(filter, id)) filter[byteOf(bit)] = (filter[byteOf(bit)] ?? 0) | maskOf(bit);
}

/** Whether the id may have been added; false only if it certainly was not. */
export const mayContain = (filter: BloomFilter, id: string): boolean =>
  bitsOf(filter, id).every((bit) => ((filter[byteOf(bit)] ?? 0) & maskOf(bit)) !== 0);

const byteOf = (bit: number): number => Math.floor(bit / 8);
const maskOf = (bit: number): number => 1 << (bit % 8);

/**
 * Enhanced double hashing: all hashes are derived from two (Dillinger and Manolios, 2004). Without the cubic term, a step that divides the
 * size of a small filter hits only few different bits.
 */
function bitsOf({ length }: BloomFilter, id: string): number[] {
  const { high, low } = hashOf(id);
  const first = mix(high);
  const step = (mix(low) | 1) >>> 0;
  const bits: number[] = [];
  for (let index = 0; index < HASHES; index += 1)
    bits.push((first + index * step + (index ** 3 - index) / 6) % (length * 8));
  return bits;
}

/** Spreads a hash over all its 32 bits (the finalizer of MurmurHash3), because fingerprints of similar ids differ in few bits. */
function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
