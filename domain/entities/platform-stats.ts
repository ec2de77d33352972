import type { CacheEntry } from '../schema/entry.ts';
import { decimal } from '../schema/field.ts';
import { isPlatform } from '../values/text-ids.ts';

/** Totals over all platforms. The hash keeps `by_platform` in the fields kols_{platform} and content_{platform}. */
export interface PlatformStats {
  readonly total_kols: number;
  readonly total_content: number;
  readonly platforms_count: number;
  readonly total_followers: number;
  readonly avg_followers: number;
  readonly total_posts: number;
  readonly avg_posts: number;
  readonly verified_count: number;
  readonly last_updated: string;
  readonly by_platform: Readonly<Record<string, { readonly kols: number; readonly content: number }>>;
}

/** The size of the statistics for the shrink check. */
export const sizeOfStats = ({
  total_kols,
  total_content,
}: Pick<PlatformStats, 'total_kols' | 'total_content'>): number => total_kols + total_content;

/** A total without an exponent, which JavaScript prints from 10^21 on. */
const asText = (value: string | number): string =>
  typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : String(value);

const TOTALS = [
  'total_kols',
  'total_content',
  'platforms_count',
  'total_followers',
  'avg_followers',
  'total_posts',
  'avg_posts',
  'verified_count',
  'last_updated',
] as const satisfies readonly (keyof PlatformStats)[];

const PLATFORM_FIELD = /^(kols|content)_(.+)$/;

/** stats:platform: totals over all platforms. */
export const platformStats = {
  name: 'platform-stats',
  ttlSeconds: 300,
  key: 'stats:platform',
  requiredFields: TOTALS,
  timeField: 'last_updated',
  toEntry: ({ by_platform, ...totals }: PlatformStats): CacheEntry => ({
    key: platformStats.key,
    ttlSeconds: platformStats.ttlSeconds,
    type: 'hash',
    fields: Object.fromEntries([
      ...Object.entries(totals).map(([name, value]) => [name, asText(value)]),
      ...Object.entries(by_platform).flatMap(([platform, { kols, content }]) => [
        [`kols_${platform}`, String(kols)],
        [`content_${platform}`, String(content)],
      ]),
    ]) as Record<string, string>,
  }),
  /** Counts of a name that is no platform are left out. @throws FieldError when a field is not a number */
  fromHash: (hash: Readonly<Record<string, string>>): PlatformStats => {
    // A Map, because the names come from outside: on an object, `constructor` and `__proto__` are there already.
    const by_platform = new Map<string, { kols: number; content: number }>();
    for (const [name, value] of Object.entries(hash)) {
      const [, kind, platform] = PLATFORM_FIELD.exec(name) ?? [];
      if (kind === undefined || platform === undefined || !isPlatform(platform)) continue;
      const counts = by_platform.get(platform) ?? { kols: 0, content: 0 };
      by_platform.set(platform, { ...counts, [kind]: decimal.parse(value) ?? 0 });
    }
    const number = (name: string) => decimal.parse(hash[name]) ?? 0;
    return {
      total_kols: number('total_kols'),
      total_content: number('total_content'),
      platforms_count: number('platforms_count'),
      total_followers: number('total_followers'),
      avg_followers: number('avg_followers'),
      total_posts: number('total_posts'),
      avg_posts: number('avg_posts'),
      verified_count: number('verified_count'),
      last_updated: hash['last_updated'] ?? '',
      by_platform: Object.fromEntries(by_platform),
    };
  },
};
