/** cache:metadata: when each part was last warmed, by which run, how many keys. One JSON value a part. */
export const cacheMetadata = {
  name: 'cache-metadata',
  ttlSeconds: 86_400,
  key: 'cache:metadata',
};

export interface PartMetadata {
  readonly warmed_at: string;
  readonly run_id: string;
  readonly trigger: string;
  readonly keys: number;
}
