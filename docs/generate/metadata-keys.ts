import { cachedFiles } from '../../domain/entities/cached-files.ts';
import { hotIds } from '../../domain/entities/hot-ids.ts';
import { cacheMetadata, type PartMetadata } from '../../domain/entities/part-metadata.ts';
import type { CachedFiles } from '../../domain/warming/changed-files.ts';
import { cachedFilesFields, partMetadataFields } from './cache-fields.ts';
import { keyDoc, WARM, type CacheKeyDoc } from './cache-key-doc.ts';
import { SAMPLE_TIME } from './samples.ts';

const sampleFiles: CachedFiles = {
  version: 'files 8f3a5b1c90d2e467',
  columns: '0c5d2b1a9e8f7364',
  idsRepeat: false,
  files: [
    {
      path: 's3://silver/kol_profiles/part-00000.snappy.parquet',
      bytes: '41236',
      modifiedMs: 1_795_341_600_000,
    },
  ],
};

const samplePartMetadata: PartMetadata = {
  warmed_at: SAMPLE_TIME,
  run_id: '0199c3de-6f1c-7a52-8a35-4b1e9f590f6f',
  trigger: 'schedule',
  keys: 9,
  read_at: SAMPLE_TIME,
  rows: 11,
  tableRows: { kol_profiles: 37_486, kol_content: 20_028 },
  versions: {
    kol_profiles: 'snapshot 4372618947213 since 2026-11-22T09:55:00.000Z',
    kol_content: 'files 8f3a5b1c90d2e467',
  },
  shape: '7',
  sets: { 'stats:platform': { size: 57_514, ttlSeconds: 300 } },
};

/** The keys that say which data is in the cache. */
export const metadataKeys: readonly CacheKeyDoc[] = [
  {
    ...keyDoc(cacheMetadata.name, cacheMetadata.key, {
      ...cacheMetadata,
      type: 'hash',
      fields: { stats: JSON.stringify(samplePartMetadata) },
    }),
    content: 'the last warm of each part: one field for each part, with a JSON value',
    writers: 'warms',
    fields: partMetadataFields,
    optionalFields: ['oldest_read_at', 'hasUnreadable'],
  },
  {
    ...keyDoc(cacheMetadata.name, cachedFiles.key('{table}'), {
      key: cachedFiles.key('kol_profiles'),
      ttlSeconds: cachedFiles.ttlSeconds,
      type: 'string',
      value: JSON.stringify(sampleFiles),
    }),
    content:
      'the data files whose rows are in the cache, so that the next warm reads only new ones; 500 at most',
    writers: WARM('profiles'),
    fields: cachedFilesFields,
  },
  {
    ...keyDoc(cacheMetadata.name, hotIds.key, {
      key: hotIds.key,
      ttlSeconds: hotIds.ttlSeconds,
      type: 'string',
      value: 'bloom-24-16 AAgEgAAAQAAA…',
    }),
    content:
      'a Bloom filter of the profiles that the last warm of hot profiles chose, 3 bytes for each, after the name of its format',
    writers: WARM('profiles'),
  },
];
