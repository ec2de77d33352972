/** Memory use of Redis; sums over all masters of a cluster. */
export interface RedisMemory {
  readonly keys: number;
  readonly usedBytes: number;
  /** 0 means no limit. */
  readonly maxBytes: number;
  /** The maxmemory-policy, e.g. allkeys-lru or noeviction. */
  readonly policy: string;
}

/** Warn from this share of maxmemory on, early enough to act before Redis reaches the limit. */
const WARN_AT = 0.8;

const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`;

/** Memory use in one sentence. */
export const formatMemory = ({ keys, usedBytes, maxBytes, policy }: RedisMemory): string =>
  `Redis holds ${keys} keys in ${mib(usedBytes)}${maxBytes === 0 ? ', without a limit' : ` of ${mib(maxBytes)} (${Math.round((100 * usedBytes) / maxBytes)} %, ${policy})`}`;

/**
 * Warns before Redis reaches maxmemory.
 * @param moreBytes additional bytes that this warm is about to write
 * @returns no warning below 80 % of maxmemory, and none without a limit
 */
export function memoryWarnings({ usedBytes, maxBytes, policy }: RedisMemory, moreBytes = 0): string[] {
  const expected = usedBytes + moreBytes;
  if (maxBytes === 0 || expected < maxBytes * WARN_AT) return [];
  const atLimit =
    policy === 'noeviction' ? 'Redis refuses writes' : `Redis evicts keys (${policy}), hot ones among them`;
  return [
    `Redis holds ${mib(usedBytes)}${moreBytes > 0 ? ` and this warm adds about ${mib(moreBytes)}` : ''} of ${mib(maxBytes)}; at the limit ${atLimit}. Raise maxmemory or keep fewer profiles warm.`,
  ];
}
