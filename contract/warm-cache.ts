import { z } from 'zod';
import { isId, isPlatform } from '../domain/values/text-ids.ts';
import type { RedisMemory } from '../domain/warming/redis-memory.ts';
import { MAX_SCOPE_IDS, partsWithIds, type WarmScope } from '../domain/warming/warm-scope.ts';
import { warmParts, type WarmPart } from '../domain/warming/warm-parts.ts';
import { warmTriggers, type WarmOptions, type WarmTrigger } from '../domain/warming/warm-options.ts';
import type { PartReport } from '../domain/warming/part-report.ts';
import { parseInput, type ParseResult } from './parse-input.ts';

const MAX_SCOPE_PLATFORMS = 100;
/** Characters of `requestedBy` that are kept. */
const MAX_REQUESTED_BY = 100;

/** The scopes of a warm: each named part is limited to its scope. */
export type WarmScopes = Partial<Readonly<Record<WarmPart, WarmScope>>>;

const platforms = z.array(z.string().refine(isPlatform)).min(1);
const ids = z.array(z.string().refine(isId)).min(1).max(MAX_SCOPE_IDS);

const scope = z.union([
  z.strictObject({ platforms: platforms.max(MAX_SCOPE_PLATFORMS) }),
  z.strictObject({ ids }),
]);
/** The scope that covers several warms: it can have more platforms than the scope of one. */
export const mergedScope = z.union([z.strictObject({ platforms }), z.strictObject({ ids })]);

const scopes = z
  .partialRecord(z.enum(warmParts), scope)
  .refine((given) =>
    scopedParts(given).every((part) => partsWithIds.includes(part) || !('ids' in (given[part] ?? {}))),
  );

const flag = z.boolean().default(false).describe('true or false');

/** The options of a manual warm. The REST API has the same fields in snake_case. */
export const warmRequestShape = {
  parts: z
    .array(z.enum(warmParts))
    .min(1)
    .optional()
    .describe(`a list of ${warmParts.join(', ')}`),
  scopes: scopes
    .default({})
    .describe(
      `a share by part, such as {"rankings": {"platforms": ["tiktok"]}} or {"profiles": {"ids": ["1"]}}; ids only for ${partsWithIds.join(' and ')}, at most ${MAX_SCOPE_IDS}`,
    ),
  dryRun: flag,
  allProfiles: flag,
  force: flag,
  allowShrink: flag,
};

const warmCacheShape = {
  ...warmRequestShape,
  trigger: z.enum(warmTriggers).default('manual').describe(warmTriggers.join(' or ')),
  requestedBy: z
    .string()
    .transform((text) => text.slice(0, MAX_REQUESTED_BY))
    .default('unknown')
    .describe('text'),
};

/** Input of `warmCache`. Every field has a default: no input means a full warm, started by hand. */
export interface WarmCacheInput extends Partial<WarmOptions> {
  /** Parts to warm; by default the parts named in `scopes`, or all of them. */
  readonly parts?: readonly WarmPart[];
  readonly scopes?: WarmScopes;
  readonly trigger?: WarmTrigger;
  /** Who requested the warm, for the record. */
  readonly requestedBy?: string;
}

/** The input of `warmCache` with its defaults. */
export type WarmCacheOptions = WarmOptions & {
  readonly parts: readonly WarmPart[];
  readonly scopes: WarmScopes;
  readonly trigger: WarmTrigger;
  readonly requestedBy: string;
};

/** Checks the input of a warm and fills in its defaults. */
export function parseWarmCacheInput(given: unknown): ParseResult<WarmCacheOptions> {
  const parsed = parseInput(warmCacheShape, given ?? {});
  if ('invalid' in parsed) return parsed;
  const { parts, ...rest } = parsed.value;
  const scoped = scopedParts(rest.scopes);
  const outside = scopesOutsideParts(parts, rest.scopes);
  if (outside !== undefined) return { invalid: [outside] };
  const wanted: readonly WarmPart[] = parts ?? (scoped.length > 0 ? scoped : warmParts);
  return { value: { ...rest, parts: warmParts.filter((part) => wanted.includes(part)) } };
}

/** The problem of scopes for parts that are not warmed; undefined when there is none. */
export function scopesOutsideParts(parts: readonly WarmPart[] | undefined, given: WarmScopes) {
  const outside = scopedParts(given).filter((part) => parts !== undefined && !parts.includes(part));
  return outside.length === 0
    ? undefined
    : { name: 'scopes', given: outside, accepted: 'only parts that are warmed, as listed in parts' };
}

/** The parts that have a scope, in the order of a warm. */
export const scopedParts = (given: object): WarmPart[] => warmParts.filter((part) => part in given);

/** Result of `warmCache`. */
export interface WarmReport {
  readonly trigger: WarmTrigger;
  readonly requestedBy: string;
  readonly dryRun: boolean;
  readonly keys: number;
  readonly bytes: number;
  readonly renewed: number;
  readonly removed: number;
  readonly durationMs: number;
  readonly parts: readonly PartReport[];
  /** Columns that have another name in the lakehouse, e.g. `kol_profiles.bio for description`. */
  readonly renamed: readonly string[];
  /** Memory of Redis after the warm; null when it could not be read. */
  readonly memory: RedisMemory | null;
  readonly warnings: readonly string[];
}

/** Progress of the warm of one part: rows read and written. Rows of splits in progress are not included. */
export interface WarmProgress {
  readonly rows: number;
  readonly total: number;
}
