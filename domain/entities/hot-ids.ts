import { addToFilter, BLOOM_FORMAT, createBloomFilter, mayContain } from '../values/bloom-filter.ts';

/**
 * cache:metadata:hot, internal: the name of the format, then a Bloom filter of the ids that the last warm of hot profiles chose. It
 * distinguishes a hot profile that a reader has cached again from one that the warm did not choose.
 */
export const hotIds = {
  ttlSeconds: 86_400,
  key: 'cache:metadata:hot',
};

export function formatHotIds(ids: readonly string[]): string {
  const filter = createBloomFilter(ids.length);
  for (const id of ids) addToFilter(filter, id);
  return `${BLOOM_FORMAT} ${Buffer.from(filter).toString('base64')}`;
}

/** @returns a check whether an id was chosen; always false for no text or text of another format */
export function parseHotIds(text: string | null): (id: string) => boolean {
  const [format, base64 = ''] = text?.split(' ') ?? [];
  if (format !== BLOOM_FORMAT || base64 === '') return () => false;
  const filter = Buffer.from(base64, 'base64');
  return (id) => mayContain(filter, id);
}
