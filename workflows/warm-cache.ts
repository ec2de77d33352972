import {
  ApplicationFailure,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { WarmActivities } from '../activities/index.ts';
import {
  isWarmPart,
  warmParts,
  warmTriggers,
  type PartReport,
  type WarmOptions,
  type WarmPart,
  type WarmTrigger,
} from '../domain/warming.ts';
import { asking } from './activity-options.ts';
import { partWarmed, type PartOutcome } from './messages.ts';
import { warmerOf } from './part-warmer.ts';

const { checkSourceSchema, askPartWarmer } = proxyActivities<WarmActivities>(asking);

/** Input of a warm. Everything has a default: no input at all is a full warm, asked for by hand. */
export interface WarmCacheArgs extends Partial<WarmOptions> {
  /** Parts to warm; all of them by default. */
  readonly parts?: readonly WarmPart[];
  readonly trigger?: WarmTrigger;
  /** Who asked, for the record. */
  readonly requestedBy?: string;
}

export interface WarmReport {
  readonly trigger: WarmTrigger;
  readonly requestedBy: string;
  readonly dryRun: boolean;
  readonly keys: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly parts: readonly PartReport[];
}

/** Failure type of a warm of which some parts failed; its details hold the report of the others. */
export const WARM_INCOMPLETE = 'WarmIncomplete';
/** A part warmer that was terminated tells nobody; two full runs of a part take less than this. */
const ANSWER_WITHIN = '35 minutes';

type Progress = Map<WarmPart, PartReport | { readonly error: string } | null>;

/**
 * One warm: check the source schema, warm the wanted parts in parallel, report. A part that fails neither stops nor hides
 * the others. Each part goes through its part warmer, so that whatever started this warm, a part is warmed once at a time.
 */
export async function warmCache(input?: WarmCacheArgs): Promise<WarmReport> {
  const { parts, trigger, requestedBy, dryRun, allProfiles } = checked(input ?? {});
  const started = Date.now();
  upsertSearchAttributes({
    KolWarmTrigger: [trigger],
    KolWarmParts: [...parts],
    KolWarmRequestedBy: [requestedBy],
  });
  upsertMemo({ trigger, parts: [...parts], requestedBy, dryRun });
  const progress: Progress = new Map(parts.map((part) => [part, null]));
  const show = () => setCurrentDetails(describe(trigger, requestedBy, dryRun, progress));
  show();

  await checkSourceSchema({ parts });
  const settle = (part: WarmPart, result: PartReport | { readonly error: string }) => {
    progress.set(part, result);
    show();
  };
  if (dryRun) await runDry(parts, { trigger, allProfiles }, settle);
  else await askWarmers(parts, { trigger, allProfiles }, settle);

  const reports = [...progress.values()].filter(
    (result): result is PartReport => result !== null && 'keys' in result,
  );
  const report: WarmReport = {
    trigger,
    requestedBy,
    dryRun,
    keys: reports.reduce((sum, { keys }) => sum + keys, 0),
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
    durationMs: Date.now() - started,
    parts: reports,
  };
  upsertMemo({ keys: report.keys, bytes: report.bytes });
  const failed = [...progress].flatMap(([part, result]) =>
    result && 'error' in result ? [`${part}: ${result.error}`] : [],
  );
  if (failed.length > 0)
    throw ApplicationFailure.create({
      type: WARM_INCOMPLETE,
      nonRetryable: true,
      message: `${failed.length} of ${parts.length} parts failed; the others are warm. ${failed.join('; ')}`,
      details: [report],
    });
  return report;
}

type Settle = (part: WarmPart, result: PartReport | { readonly error: string }) => void;
type Wanted = { readonly trigger: WarmTrigger; readonly allProfiles: boolean };

/** Writes nothing, so it need not wait for its turn. */
async function runDry(parts: readonly WarmPart[], wanted: Wanted, settle: Settle): Promise<void> {
  const { runId } = workflowInfo();
  await Promise.all(
    parts.map(async (part) => {
      try {
        settle(part, await warmerOf(part)({ ...wanted, runId, dryRun: true }));
      } catch (error) {
        settle(part, { error: reasonOf(error) });
      }
    }),
  );
}

/** Asks the warmer of each part, and waits for all their answers. */
async function askWarmers(parts: readonly WarmPart[], wanted: Wanted, settle: Settle): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  const waitingFor = new Set(parts);
  setHandler(partWarmed, (outcome: PartOutcome) => {
    // An answer that comes twice, or to a run before this one, is none.
    if (outcome.runId !== runId || !waitingFor.delete(outcome.part)) return;
    settle(outcome.part, 'report' in outcome ? outcome.report : { error: outcome.error });
  });
  await Promise.all(
    parts.map(async (part) => {
      try {
        await askPartWarmer({ part, request: { ...wanted, dryRun: false, replyTo: workflowId, runId } });
      } catch (error) {
        waitingFor.delete(part);
        settle(part, { error: reasonOf(error) });
      }
    }),
  );
  const answered = await condition(() => waitingFor.size === 0, ANSWER_WITHIN);
  if (!answered)
    for (const part of waitingFor)
      settle(part, { error: `its part warmer gave no answer within ${ANSWER_WITHIN}` });
}

/** The innermost message: what failed, not that an activity did. */
function reasonOf(error: unknown): string {
  let reason = error instanceof Error ? error : new Error(String(error));
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}

/** The input with its defaults. @throws InvalidInput naming what was wrong and what is accepted */
function checked(input: WarmCacheArgs): Required<Omit<WarmCacheArgs, 'parts'>> & { parts: WarmPart[] } {
  const invalid = (message: string) => ApplicationFailure.nonRetryable(message, 'InvalidInput');
  const wanted: readonly string[] = input.parts ?? warmParts;
  if (!Array.isArray(wanted) || wanted.length === 0 || !wanted.every(isWarmPart))
    throw invalid(`parts is ${JSON.stringify(input.parts)}, accepted is a list of ${warmParts.join(', ')}`);
  const trigger = input.trigger ?? 'manual';
  if (!warmTriggers.includes(trigger))
    throw invalid(`trigger is ${JSON.stringify(trigger)}, accepted is ${warmTriggers.join(', ')}`);
  return {
    parts: warmParts.filter((part) => wanted.includes(part)),
    trigger,
    requestedBy: String(input.requestedBy ?? 'unknown').slice(0, 100),
    dryRun: input.dryRun === true,
    allProfiles: input.allProfiles === true,
  };
}

/** Progress for the Temporal UI, as Markdown. */
function describe(trigger: string, requestedBy: string, dryRun: boolean, progress: Progress): string {
  const rows = [...progress].map(([part, result]) => {
    if (result === null) return `| ${part} | … | | | |`;
    if ('error' in result)
      return `| ${part} | failed: ${result.error.replaceAll('|', '\\|').replaceAll('\n', ' ')} | | | |`;
    const notes = [...result.skipped, ...(result.rejected > 0 ? [`${result.rejected} rows left out`] : [])];
    return `| ${part} | done | ${result.rowsRead} | ${result.keys} | ${result.durationMs} | ${notes.join('; ')}`;
  });
  return [
    `${dryRun ? 'Dry run' : 'Warm'}, triggered by **${trigger}**, asked for by ${requestedBy}`,
    '',
    '| part | state | rows read | keys | ms | notes |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
