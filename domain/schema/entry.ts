/** Anything that the system writes to Redis, by Redis type. Every entry has a TTL. */
export type CacheEntry = { readonly key: string; readonly ttlSeconds: number } & (
  | { readonly type: 'hash'; readonly fields: Readonly<Record<string, string>> }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | { readonly type: 'zset'; readonly members: readonly (readonly [member: string, score: number])[] }
);

export type HashEntry = Extract<CacheEntry, { type: 'hash' }>;

/** Members, items or fields in an entry. An entry of size 0 must not replace a cached one. */
export function entrySize(entry: CacheEntry): number {
  switch (entry.type) {
    case 'hash':
      return Object.keys(entry.fields).length;
    case 'string':
      return entry.value.length === 0 ? 0 : 1;
    case 'list':
      return entry.items.length;
    case 'zset':
      return entry.members.length;
  }
}

/** Rough payload bytes of an entry (key, members and values in UTF-16 code units), for reports and chunking. */
export function entryBytes(entry: CacheEntry): number {
  switch (entry.type) {
    case 'hash':
      return Object.entries(entry.fields).reduce(
        (sum, [name, value]) => sum + name.length + value.length,
        entry.key.length,
      );
    case 'string':
      return entry.key.length + entry.value.length;
    case 'list':
      return entry.items.reduce((sum, item) => sum + item.length, entry.key.length);
    case 'zset':
      return entry.members.reduce((sum, [member]) => sum + member.length + 8, entry.key.length);
  }
}
