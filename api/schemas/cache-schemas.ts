import { z } from 'zod';
import { count } from './table-schema.ts';

const share = z.number().min(0).max(1);
/** Null if nothing was counted yet. */
const hitRate = share.nullable();
export const switchesSchema = z.strictObject({
  l1: z.boolean(),
  l1_ttl_seconds: z.number().min(0),
  early_refresh: z.boolean(),
  read_through: z.boolean(),
});
const keyCounts = {
  keys: count,
  share_with_ttl: share,
  average_ttl_seconds: z.number().min(0).nullable().meta({ description: 'null without keys that expire' }),
};

export const cacheStatusSchema = z.strictObject({
  ...keyCounts,
  by_kind: z.record(z.string(), z.strictObject(keyCounts)),
  memory: z.strictObject({
    used_bytes: count,
    max_bytes: count.meta({ description: '0 without a limit' }),
    policy: z.string(),
  }),
  evicted_keys: count,
  expired_keys: count,
  redis: z
    .strictObject({ hits: count, misses: count, hit_rate: hitRate })
    .meta({ description: 'reads by all clients of Redis since its start' }),
  process: z
    .strictObject({
      l1: count,
      hit: count,
      stale: count,
      negative: count,
      miss: count,
      refresh: count,
      bypass: count,
      hit_rate: hitRate,
    })
    .meta({ description: 'reads by this process of the API since its start' }),
  switches: switchesSchema,
});

export const invalidatedSchema = z.strictObject({ deleted: count, by_kind: z.record(z.string(), count) });

export const erasedSchema = z.strictObject({
  kol_id: z.string(),
  removed: z.record(z.string(), count).meta({ description: 'keys, entries and members by kind' }),
});
