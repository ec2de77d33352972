/** How full Redis is. */
export interface RedisMemory {
  readonly keys: number;
  readonly usedBytes: number;
  /** 0 where there is no limit. */
  readonly maxBytes: number;
  /** What happens at the limit, e.g. allkeys-lru or noeviction. */
  readonly policy: string;
}

/** From here on a warm says so: time enough to act before the limit is met. */
const WARN_AT = 0.8;

const mib = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(bytes < 10 * 1024 ** 2 ? 1 : 0)} MiB`;

/** How full Redis is, in one sentence. */
export const formatMemory = ({ keys, usedBytes, maxBytes, policy }: RedisMemory): string =>
  `Redis holds ${keys} keys in ${mib(usedBytes)}${maxBytes === 0 ? ', without a limit' : ` of ${mib(maxBytes)} (${Math.round((100 * usedBytes) / maxBytes)} %, ${policy})`}`;

/**
 * What will go wrong with Redis's memory, before it does.
 * @param moreBytes what is about to be written on top of what is there
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
