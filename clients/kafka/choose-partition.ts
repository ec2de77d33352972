/**
 * Chooses the partition of a record by a hash of its key. Java clients and kafkajs choose the same, so the records of a key stay
 * in one partition, whichever client writes them.
 * @param unkeyedPartition chosen for a record without a key; modulo the number of partitions
 */
export function choosePartition(
  key: Buffer | string | null | undefined,
  partitionCount: number,
  unkeyedPartition: number,
): number {
  if (key === null || key === undefined) return unkeyedPartition % partitionCount;
  return toPositive(murmur2(typeof key === 'string' ? Buffer.from(key) : key)) % partitionCount;
}

/** As Java clients do it: clears the sign, which is not the absolute value. */
const toPositive = (hash: number): number => hash & 0x7fffffff;

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Murmur2 with the constants of Kafka's Java client. kafkajs has it too, but with BigInt, which is several times slower. */
function murmur2(data: Buffer): number {
  const wordsEnd = data.length & ~3;
  let hash = SEED ^ data.length;
  for (let index = 0; index < wordsEnd; index += 4) {
    const word = Math.imul(data.readInt32LE(index), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word ^ (word >>> 24), MULTIPLIER);
  }
  if (wordsEnd < data.length) {
    for (let index = wordsEnd; index < data.length; index += 1)
      hash ^= data.readUInt8(index) << (8 * (index - wordsEnd));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
