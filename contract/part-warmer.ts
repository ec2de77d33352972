import { z } from 'zod';
import type { PartReport } from '../domain/warming/part-report.ts';
import { isId } from '../domain/values/text-ids.ts';
import { warmTriggers, type WarmOptions, type WarmTrigger } from '../domain/warming/warm-options.ts';
import { warmParts, type WarmPart } from '../domain/warming/warm-parts.ts';
import type { WarmScope } from '../domain/warming/warm-scope.ts';
import { parseMessage, type ParseResult } from './parse-input.ts';
import { mergedScope } from './warm-cache.ts';

// Any client can send these messages. Their ids and scopes reach keys of Redis, SQL and commands of Temporal, so all are checked.

/** Request of one warm run to the warmer of a part. */
export interface WarmRequest extends Omit<WarmOptions, 'dryRun'> {
  readonly trigger: WarmTrigger;
  /** Warm only this share of the part. */
  readonly scope?: WarmScope | undefined;
  /** Workflow id of the requester, which receives the outcome. */
  readonly replyTo: string;
  /** Identifies the requests of one warm: the id of its first run, which a reset does not change. */
  readonly runId: string;
}

/** Outcome of the run that served a request. All requesters of that run receive the same outcome. */
export type PartOutcome = { readonly part: WarmPart; readonly runId: string } & (
  { readonly report: PartReport } | { readonly error: string }
);

/** Input of `partWarmer`. */
export interface PartWarmerInput {
  readonly part: WarmPart;
  /** Requests that the previous run did not serve, without their scopes. */
  readonly waiting?: readonly WarmRequest[];
  /** The smallest scope that covers the waiting requests; null for the whole part. */
  readonly waitingScope?: WarmScope | null;
}

/** Bytes of the longest workflow id. With a longer one, Temporal refuses the signal to it, and so each workflow task. */
const MAX_WORKFLOW_ID_BYTES = 1000;
const workflowId = z
  .string()
  .min(1)
  .refine((id) => !/\p{Cs}/u.test(id) && new TextEncoder().encode(id).length <= MAX_WORKFLOW_ID_BYTES);

const part = z.enum(warmParts);
const flag = z.boolean().default(false);

const requestWithoutScope = z.object({
  trigger: z.enum(warmTriggers),
  allProfiles: flag,
  force: flag,
  allowShrink: flag,
  replyTo: workflowId,
  runId: z.string().refine(isId),
});
const request = requestWithoutScope.extend({
  scope: mergedScope.nullish().transform((given) => given ?? undefined),
});

/** Checks a request to the warmer of a part. */
export const parseWarmRequest = (given: unknown): ParseResult<WarmRequest> =>
  parseMessage(request, given, {
    name: 'request',
    accepted:
      '{"trigger": …, "replyTo": a workflow id, "runId": a run id}, with a "scope" for a share of the part',
  });

/** Texts are cut, because the report of a warm has those of six parts, and Temporal accepts 2 MB. */
const MAX_TEXTS = 50;
const MAX_TEXT = 1000;
const MAX_ERROR = 10_000;
const textUpTo = (max: number) => z.string().transform((given) => given.slice(0, max));
const texts = z.array(textUpTo(MAX_TEXT)).transform((given) => given.slice(0, MAX_TEXTS));

const report: z.ZodType<PartReport> = z.object({
  part,
  rowsRead: z.number(),
  keys: z.number(),
  bytes: z.number(),
  durationMs: z.number(),
  renewed: z.number(),
  removed: z.number(),
  cached: z.number(),
  rejected: z.number(),
  rejectedExamples: texts,
  unreadableColumns: z.number(),
  skipped: texts,
  warnings: texts,
});

const served = { part, runId: z.string() };
const outcome = z.union([
  z.object({ ...served, report }),
  z.object({ ...served, error: textUpTo(MAX_ERROR) }),
]);

/** Checks the outcome of a run of a part warmer. */
export const parsePartOutcome = (given: unknown): ParseResult<PartOutcome> =>
  parseMessage(outcome, given, {
    name: 'outcome',
    accepted: '{"part": …, "runId": …} with the "report" of the part or an "error"',
  });

const input = z.object({
  part,
  waiting: z.array(requestWithoutScope).default([]),
  waitingScope: mergedScope.nullable().default(null),
});

/** Checks the input of a part warmer. */
export const parsePartWarmerInput = (given: unknown): ParseResult<Required<PartWarmerInput>> =>
  parseMessage(input, given, {
    name: 'input',
    accepted: `{"part": ${warmParts.join(' or ')}}, and what the previous run hands over`,
  });
