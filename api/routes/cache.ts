import { z } from 'zod';
import type { CacheAdmin } from '../../cache/admin/cache-admin.ts';
import { deletableKinds, kindsById } from '../../cache/admin/cache-kinds.ts';
import type { CacheStatus, KeyCounts } from '../../cache/admin/cache-status.ts';
import type { Switchboard } from '../../cache/admin/switchboard.ts';
import type { CacheReader, OutcomeCounts } from '../../cache/reading/cache-reader.ts';
import { reachRedis } from '../../cache/redis/reach-redis.ts';
import { isId } from '../../domain/values/text-ids.ts';
import { idParameter } from '../parameters.ts';
import { invalidProblem } from '../problem.ts';
import { bodyOf, defineRoute, type Route } from '../route.ts';
import { toSnakeCase } from '../snake-case.ts';
import { cacheStatusSchema, erasedSchema, invalidatedSchema } from '../schemas/cache-schemas.ts';

/** Maximum ids in one request. Their keys are deleted in a few round trips. */
const MAX_IDS = 1000;

const invalidateBody = {
  kinds: z
    .array(z.enum(deletableKinds))
    .min(1)
    .describe(`a list of ${deletableKinds.join(', ')}`),
  ids: z
    .array(z.string().refine(isId))
    .min(1)
    .max(MAX_IDS)
    .optional()
    .describe(
      `a list of 1 to ${MAX_IDS} ids, each of 1 to 256 characters; leave ids out for all keys of the kinds`,
    ),
};

/** /api/v1/cache, and the erasure of a KOL: status and deletion for operators. */
export const cacheRoutes = (
  admin: CacheAdmin,
  reader: Pick<CacheReader, 'outcomes'>,
  switchboard: Pick<Switchboard, 'current'>,
): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/v1/cache/status',
    name: 'cache_status',
    summary: 'What the cache holds, and how often it answers',
    token: 'required',
    answers: { 200: { description: 'The status', schema: cacheStatusSchema } },
    problems: ['cache-unavailable'],
    async handle({ response }) {
      const status = statusToJson(await reachRedis(admin.status), reader.outcomes());
      response.json({ ...status, switches: toSnakeCase(switchboard.current()) });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/cache/invalidate',
    name: 'invalidate',
    summary: 'Deletes what is cached, so that the next read or warm reads the lakehouse',
    token: 'required',
    body: invalidateBody,
    answers: { 200: { description: 'How many keys were deleted', schema: invalidatedSchema } },
    problems: ['cache-unavailable'],
    async handle({ request, response }) {
      const { kinds, ids } = bodyOf(invalidateBody, request);
      const withoutIds = kinds.filter((kind) => !kindsById.some((each) => each === kind));
      if (ids !== undefined && withoutIds.length > 0)
        throw invalidProblem([
          { name: 'kinds', given: withoutIds, accepted: `with ids only ${kindsById.join(', ')}` },
        ]);
      const byKind = await reachRedis(() => admin.invalidate([...new Set(kinds)], ids));
      const deleted = sumOf(Object.values(byKind));
      request.log.info({ kinds, ids: ids?.length, deleted }, 'invalidated');
      response.json({ deleted, by_kind: byKind });
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/kols/:id',
    name: 'erase_kol',
    summary: 'Removes a KOL from the cache, until the lakehouse names the KOL again',
    token: 'required',
    params: { id: idParameter },
    answers: { 200: { description: 'What was removed', schema: erasedSchema } },
    problems: ['cache-unavailable'],
    async handle({ request, response, params: { id } }) {
      const removed = await reachRedis(() => admin.eraseKol(id));
      // Log it even after the deadline, when the client gets no answer. Omit the id, because it has just been erased.
      request.log.info({ removed: sumOf(Object.values(removed)) }, 'erased');
      response.json({ kol_id: id, removed });
    },
  }),
];

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

function statusToJson({ byKind, memory, counters }: CacheStatus, outcomes: OutcomeCounts): object {
  const counts = [...byKind.values()];
  const sum = (field: 'keys' | 'withTtl' | 'ttlSeconds') => sumOf(counts.map((each) => each[field]));
  const { hits, misses, evictedKeys, expiredKeys } = counters;
  const { 'local-hit': l1, hit, stale, negative, miss, refresh, bypass } = outcomes;
  return {
    ...countsToJson({ keys: sum('keys'), withTtl: sum('withTtl'), ttlSeconds: sum('ttlSeconds') }),
    by_kind: Object.fromEntries([...byKind].sort().map(([kind, each]) => [kind, countsToJson(each)])),
    memory: { used_bytes: memory.usedBytes, max_bytes: memory.maxBytes, policy: memory.policy },
    evicted_keys: evictedKeys,
    expired_keys: expiredKeys,
    redis: { hits, misses, hit_rate: rateOf(hits, misses) },
    process: {
      ...{ l1, hit, stale, negative, miss, refresh, bypass },
      hit_rate: rateOf(l1 + hit + stale + negative, miss + refresh + bypass),
    },
  };
}

const rateOf = (hits: number, misses: number): number | null =>
  hits + misses === 0 ? null : rounded(hits / (hits + misses));

const countsToJson = ({ keys, withTtl, ttlSeconds }: KeyCounts): object => ({
  keys,
  share_with_ttl: keys === 0 ? 1 : rounded(withTtl / keys),
  average_ttl_seconds: withTtl === 0 ? null : Math.round(ttlSeconds / withTtl),
});

/** Rounds down, so that only a full share is 1. */
const rounded = (share: number): number => Math.floor(share * 10_000) / 10_000;
