import {
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { WarmActivities } from '../../activities/index.ts';
import { failureTypes } from '../../contract/failure-types.ts';
import { partWarmedSignal, warmWithdrawnSignal } from '../../contract/messages.ts';
import { parsePartOutcome } from '../../contract/part-warmer.ts';
import {
  parseWarmCacheInput,
  type WarmCacheInput,
  type WarmCacheOptions,
  type WarmReport,
} from '../../contract/warm-cache.ts';
import { partWarmerId } from '../../contract/workflow-ids.ts';
import type { RenamedColumn } from '../../domain/schema/check-table.ts';
import { memoryWarnings, type RedisMemory } from '../../domain/warming/redis-memory.ts';
import type { PartReport } from '../../domain/warming/part-report.ts';
import type { WarmTrigger } from '../../domain/warming/warm-options.ts';
import type { WarmPart } from '../../domain/warming/warm-parts.ts';
import { shortCalls, warming } from '../activity-options.ts';
import { innermostMessage } from '../innermost-message.ts';
import { validInput, validSignal } from '../valid-input.ts';
import { formatWarmDetails, type PartProgress, type PartResult } from './format-warm-details.ts';
import { warmPart } from './warm-part.ts';

const { checkSourceSchema, signalPartWarmer, getRedisMemory } = proxyActivities<WarmActivities>(shortCalls);
const { dropOutdated } = proxyActivities<WarmActivities>(warming);

/** A terminated part warmer sends no outcome, so the request is repeated. A running warmer ignores repeats. */
const REPEAT_REQUEST_AFTER_MINUTES = 30;
/**
 * How many of these periods a warm waits. Scheduled warms must not pile up behind a stuck part. During the warm of an ETL load, later loads
 * wait for its end. A manual warm waits until an operator ends it.
 */
const MAX_WAITS: Readonly<Record<WarmTrigger, number>> = {
  schedule: 1,
  startup: 2,
  etl: 2,
  manual: Infinity,
};

/**
 * One warm: check the source schema, warm the parts in parallel, report. A failed part does not stop the others, and a table that breaks
 * the contract stops only the parts that read it. Part warmers ensure one run at a time for each part.
 * @throws InvalidInput, SourceSchemaMismatch, or WarmIncomplete with the report of the parts that did not fail
 */
export async function warmCache(input?: WarmCacheInput): Promise<WarmReport> {
  const options = validInput(parseWarmCacheInput(input));
  const startedMs = Date.now();
  publishRequest(options);
  const results = new Map<WarmPart, PartResult | null>(options.parts.map((part) => [part, null]));
  const onResult: OnResult = (part, result) => {
    results.set(part, result);
    setCurrentDetails(formatWarmDetails(options, results));
  };
  setCurrentDetails(formatWarmDetails(options, results));

  const { renamed, mismatched } = await checkSourceSchema({ parts: options.parts });
  if (options.dryRun) await dryRunParts(options, onResult);
  else await requestParts(options, onResult);
  const outdated = await dropOutdatedOf(options, results);

  const report = buildReport(options, results, {
    renamed,
    outdated: outdated.removed,
    memory: await readRedisMemory(),
    durationMs: Date.now() - startedMs,
  });
  setCurrentDetails(formatWarmDetails(options, results, report));
  upsertMemo({ keys: report.keys, bytes: report.bytes });
  throwIfIncomplete(results, report, { mismatched, notRemoved: outdated.error });
  return report;
}

/** Publishes the request and its requester for the Temporal UI and the API. */
function publishRequest({ trigger, parts, requestedBy, dryRun }: WarmCacheOptions): void {
  upsertSearchAttributes({
    KolWarmTrigger: [trigger],
    KolWarmParts: [...parts],
    KolWarmRequestedBy: [requestedBy],
  });
  upsertMemo({ trigger, parts: [...parts], requestedBy, dryRun });
}

type OnResult = (part: WarmPart, result: PartResult) => void;

/** Runs each part directly: a dry run writes nothing, so it need not wait for other runs. */
async function dryRunParts(
  { parts, scopes, requestedBy: _, ...options }: WarmCacheOptions,
  onResult: OnResult,
): Promise<void> {
  const { runId } = workflowInfo();
  await Promise.all(
    parts.map(async (part) => {
      try {
        onResult(part, await warmPart(part, { ...options, runId, scope: scopes[part] }));
      } catch (error) {
        if (isCancellation(error)) throw error;
        onResult(part, { error: innermostMessage(error) });
      }
    }),
  );
}

/** Requests each part from its part warmer and waits for all outcomes. The time is limited, except for manual warms. */
async function requestParts(options: WarmCacheOptions, onResult: OnResult): Promise<void> {
  const runId = requestId();
  const waiting = new Set(options.parts);
  setHandler(partWarmedSignal, (given) => {
    const outcome = validSignal(partWarmedSignal, parsePartOutcome(given));
    if (outcome === undefined) return;
    // ignore repeated outcomes, and outcomes for an earlier warm of this workflow id
    if (outcome.runId !== runId || !waiting.delete(outcome.part)) return;
    onResult(outcome.part, 'report' in outcome ? outcome.report : { error: outcome.error });
  });
  const request = async (part: WarmPart) => {
    try {
      await signalPartWarmer({ part, request: requestOf(part, options) });
    } catch (error) {
      waiting.delete(part);
      onResult(part, { error: innermostMessage(error) });
    }
  };
  try {
    // Not cancellable: a request that is being sent when this run is cancelled must not arrive after its withdrawal.
    let waits = 0;
    do {
      await Promise.all([...waiting].map((part) => CancellationScope.nonCancellable(() => request(part))));
      waits += 1;
    } while (
      !(await condition(() => waiting.size === 0, `${REPEAT_REQUEST_AFTER_MINUTES} minutes`)) &&
      waits < MAX_WAITS[options.trigger]
    );
    const overdue = `overdue: not warm after ${waits * REPEAT_REQUEST_AFTER_MINUTES} minutes. Its part warmer continues`;
    for (const part of waiting) onResult(part, { error: overdue });
  } catch (error) {
    await CancellationScope.nonCancellable(() => withdrawRequests(waiting, runId));
    throw error;
  }
}

function requestOf(part: WarmPart, { trigger, allProfiles, force, allowShrink, scopes }: WarmCacheOptions) {
  const how = { trigger, allProfiles, force, allowShrink };
  return { ...how, scope: scopes[part], replyTo: workflowInfo().workflowId, runId: requestId() };
}

/** Identifies the requests and outcomes of this warm. A reset gives the run another id, and replays the outcomes that have arrived. */
const requestId = (): string => workflowInfo().originalExecutionRunId;

/** Withdraws the requests of this run. A part warmer cancels a run without other requesters. */
const withdrawRequests = (parts: ReadonlySet<WarmPart>, runId: string): Promise<unknown> =>
  Promise.all(
    [...parts].map(async (part) => {
      try {
        await getExternalWorkflowHandle(partWarmerId(part)).signal(warmWithdrawnSignal, runId);
      } catch {
        // the part warmer is not running, so there is no request to withdraw
      }
    }),
  );

/**
 * After a load, removes the older values that readers cached. Not after a scoped warm, because it did not read the other rows.
 * @returns how many keys were removed, or why they were not
 */
async function dropOutdatedOf(
  { parts, scopes, trigger, dryRun }: WarmCacheOptions,
  results: PartProgress,
): Promise<{ readonly removed: number; readonly error?: string }> {
  if (trigger !== 'etl' || dryRun) return { removed: 0 };
  const isWarm = (part: WarmPart) => {
    const result = results.get(part);
    return result != null && 'keys' in result;
  };
  const whole = parts.filter((part) => scopes[part] === undefined && isWarm(part));
  if (whole.length === 0) return { removed: 0 };
  try {
    return { removed: await dropOutdated({ parts: whole }) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { removed: 0, error: innermostMessage(error) };
  }
}

/** Best effort: a warm must not fail because the memory of Redis could not be read. */
async function readRedisMemory(): Promise<RedisMemory | null> {
  try {
    return await getRedisMemory();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
}

function buildReport(
  { trigger, requestedBy, dryRun }: WarmCacheOptions,
  results: PartProgress,
  found: {
    readonly renamed: readonly RenamedColumn[];
    /** Number of removed keys whose values were older than the load. */
    readonly outdated: number;
    readonly memory: RedisMemory | null;
    readonly durationMs: number;
  },
): WarmReport {
  const reports = [...results.values()].filter(
    (result): result is PartReport => result !== null && 'keys' in result,
  );
  const sum = (count: (report: PartReport) => number) =>
    reports.reduce((total, report) => total + count(report), 0);
  const { memory, durationMs } = found;
  return {
    trigger,
    requestedBy,
    dryRun,
    keys: sum(({ keys }) => keys),
    bytes: sum(({ bytes }) => bytes),
    renewed: sum(({ renewed }) => renewed),
    removed: sum(({ removed }) => removed) + found.outdated,
    durationMs,
    parts: reports,
    renamed: found.renamed.map((column) => `${column.table}.${column.found} for ${column.expected}`),
    memory,
    warnings: [
      ...(memory === null ? [] : memoryWarnings(memory)),
      ...reports.flatMap(({ part, warnings }) => warnings.map((warning) => `${part}: ${warning}`)),
    ],
  };
}

/**
 * @throws WarmIncomplete with the reason of each failed part; its details hold the report of the others. SourceSchemaMismatch when all
 *   parts failed because of their tables
 */
function throwIfIncomplete(
  results: PartProgress,
  report: WarmReport,
  found: {
    /** Parts whose tables break the contract. */
    readonly mismatched: readonly WarmPart[];
    /** Why values that are older than the load were not removed. */
    readonly notRemoved: string | undefined;
  },
): void {
  const { mismatched, notRemoved } = found;
  const failed = [...results].flatMap(([part, result]) =>
    result !== null && 'error' in result ? [`${part}: ${result.error}`] : [],
  );
  if (failed.length === 0 && notRemoved === undefined) return;
  const isMismatch = failed.length === results.size && mismatched.length === results.size;
  const older =
    notRemoved === undefined ? [] : [`values from before the load were not removed: ${notRemoved}`];
  throw ApplicationFailure.create({
    type: isMismatch ? failureTypes.sourceSchemaMismatch : failureTypes.warmIncomplete,
    nonRetryable: true,
    message: `${failed.length} of ${results.size} parts failed; the others are warm. ${[...failed, ...older].join('; ')}`,
    details: [report],
  });
}
