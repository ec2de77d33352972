import type { WarmPart } from './warm-parts.ts';

/** The share of a part to warm. No scope means the whole part. */
export interface WarmScope {
  /** Only the sets of these platforms and of all platforms together. Sets without a platform are warmed too. */
  readonly platforms?: readonly string[];
  /** Only the keys of these ids: KOL ids for profiles, content ids for trending. Other parts have no such keys. */
  readonly ids?: readonly string[];
}

/** Parts that have one key per id. */
export const partsWithIds: readonly WarmPart[] = ['profiles', 'trending'];

/** Maximum number of ids in one scope. A load of more ids is treated as a load of the whole table. */
export const MAX_SCOPE_IDS = 1000;
/** Maximum characters of all ids in one scope, because payloads of Temporal are limited to 2 MB. */
export const MAX_SCOPE_CHARACTERS = 100_000;

/** The smallest scope that covers all of these; undefined when that is the whole part. */
export function mergeScopes(scopes: readonly (WarmScope | undefined)[]): WarmScope | undefined {
  if (scopes.every((scope) => scope?.ids !== undefined)) {
    const ids = [...new Set(scopes.flatMap((scope) => scope?.ids ?? []))];
    const characters = ids.reduce((sum, id) => sum + id.length, 0);
    return ids.length > MAX_SCOPE_IDS || characters > MAX_SCOPE_CHARACTERS ? undefined : { ids };
  }
  if (scopes.every((scope) => scope?.platforms !== undefined && scope.ids === undefined))
    return { platforms: [...new Set(scopes.flatMap((scope) => scope?.platforms ?? []))] };
  // One scope has ids, another has platforms: only a warm of the whole part covers both.
  return undefined;
}
