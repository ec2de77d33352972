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
import { isPlatform } from '../../domain/values/platform.ts';
import { memoryWarnings, type RedisMemory } from '../../domain/warming/redis-memory.ts';
import { isId } from '../../domain/scoring/event.ts';
import {
  isWarmPart,
  MAX_SCOPE_IDS,
  partsWithIds,
  warmParts,
  warmTriggers,
  type PartReport,
  type WarmOptions,
  type WarmPart,
  type WarmScope,
  type WarmTrigger,
} from '../../domain/warming/warm-parts.ts';
import { asking } from '../activity-options.ts';
import { partWarmedSignal, warmWithdrawnSignal, type PartOutcome } from '../../contract/messages.ts';
import { formatWarmDetails, type PartResult } from './format-warm-details.ts';
import { partWarmerId } from '../../contract/workflow-ids.ts';
import { warmPart } from './warm-part.ts';

const { checkSourceSchema, signalPartWarmer, getRedisMemory } = proxyActivities<WarmActivities>(asking);

/** Input of a warm. Everything has a default: no input at all is a full warm, asked for by hand. */
export interface WarmCacheArgs extends Partial<WarmOptions> {
  /** Parts to warm; all of them by default. */
  readonly parts?: readonly WarmPart[];
  /** Of each part named here, only the share that its scope says. */
  readonly scopes?: Partial<Readonly<Record<WarmPart, WarmScope>>>;
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
  readonly renewed: number;
  readonly removed: number;
  readonly durationMs: number;
  readonly parts: readonly PartReport[];
  /** Columns that the lakehouse has under another name, e.g. `kol_profiles.bio for description`. */
  readonly renamed: readonly string[];
  /** How full Redis is afterwards; null where it could not be asked. */
  readonly memory: RedisMemory | null;
  readonly warnings: readonly string[];
}

/** Failure type of a warm of which some parts failed; its details hold the report of the others. */
export const WARM_INCOMPLETE = 'WarmIncomplete';
/** A part warmer that was terminated tells nobody, so it is asked again; one that is still at work knows the request. */
const ASK_AGAIN_AFTER = '30 minutes';

/**
 * One warm: check the source schema, warm the wanted parts in parallel, report. A part that fails neither stops nor hides
 * the others. Each part goes through its part warmer, so that whatever started this warm, a part is warmed once at a time.
 */
export async function warmCache(input?: WarmCacheArgs): Promise<WarmReport> {
  const { parts, scopes, trigger, requestedBy, dryRun, ...how } = checked(input ?? {});
  const wanted = { ...how, trigger };
  const started = Date.now();
  upsertSearchAttributes({
    KolWarmTrigger: [trigger],
    KolWarmParts: [...parts],
    KolWarmRequestedBy: [requestedBy],
  });
  upsertMemo({ trigger, parts: [...parts], requestedBy, dryRun });
  const progress = new Map<WarmPart, PartResult | null>(parts.map((part) => [part, null]));
  const show = (report?: WarmReport) =>
    setCurrentDetails(formatWarmDetails({ trigger, requestedBy, dryRun, ...how }, scopes, progress, report));
  show();

  const { renamed } = await checkSourceSchema({ parts });
  const settle = (part: WarmPart, result: PartResult) => {
    progress.set(part, result);
    show();
  };
  if (dryRun) await runDry(parts, scopes, wanted, settle);
  else await askWarmers(parts, scopes, wanted, settle);

  const reports = [...progress.values()].filter(
    (result): result is PartReport => result !== null && 'keys' in result,
  );
  const sum = (count: (report: PartReport) => number) =>
    reports.reduce((total, one) => total + count(one), 0);
  const memory = await memoryAfterwards();
  const report: WarmReport = {
    trigger,
    requestedBy,
    dryRun,
    keys: sum(({ keys }) => keys),
    bytes: sum(({ bytes }) => bytes),
    renewed: sum((one) => one.renewed),
    removed: sum((one) => one.removed),
    durationMs: Date.now() - started,
    parts: reports,
    renamed: renamed.map(({ table, expected, found }) => `${table}.${found} for ${expected}`),
    memory,
    warnings: [
      ...(memory === null ? [] : memoryWarnings(memory)),
      ...reports.flatMap(({ part, warnings }) => warnings.map((warning) => `${part}: ${warning}`)),
    ],
  };
  show(report);
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

type Settle = (part: WarmPart, result: PartResult) => void;
type Scopes = NonNullable<WarmCacheArgs['scopes']>;
type Wanted = Omit<WarmOptions, 'dryRun'> & { readonly trigger: WarmTrigger };

/** Writes nothing, so it need not wait for its turn. */
async function runDry(
  parts: readonly WarmPart[],
  scopes: Scopes,
  wanted: Wanted,
  settle: Settle,
): Promise<void> {
  const { runId } = workflowInfo();
  await Promise.all(
    parts.map(async (part) => {
      try {
        settle(part, await warmPart(part, { ...wanted, runId, dryRun: true, scope: scopes[part] }));
      } catch (error) {
        if (isCancellation(error)) throw error;
        settle(part, { error: reasonOf(error) });
      }
    }),
  );
}

/** Asks the warmer of each part, and waits for all their answers. */
async function askWarmers(
  parts: readonly WarmPart[],
  scopes: Scopes,
  wanted: Wanted,
  settle: Settle,
): Promise<void> {
  const { workflowId, runId } = workflowInfo();
  const waitingFor = new Set(parts);
  setHandler(partWarmedSignal, (outcome: PartOutcome) => {
    // An answer that comes twice, or to a run before this one, is none.
    if (outcome.runId !== runId || !waitingFor.delete(outcome.part)) return;
    settle(outcome.part, 'report' in outcome ? outcome.report : { error: outcome.error });
  });
  // A request that is on its way when this run is cancelled must not arrive after its withdrawal.
  const ask = (part: WarmPart) => CancellationScope.nonCancellable(() => request(part));
  const request = async (part: WarmPart) => {
    try {
      const request = { ...wanted, dryRun: false, scope: scopes[part], replyTo: workflowId, runId };
      await signalPartWarmer({ part, request });
    } catch (error) {
      waitingFor.delete(part);
      settle(part, { error: reasonOf(error) });
    }
  };
  try {
    do await Promise.all([...waitingFor].map(ask));
    while (!(await condition(() => waitingFor.size === 0, ASK_AGAIN_AFTER)));
  } catch (error) {
    // Cancelled: what nobody else waits for ends too.
    await CancellationScope.nonCancellable(() => withdraw(waitingFor, runId));
    throw error;
  }
}

/** Tells the warmers that this run waits no more. */
const withdraw = (parts: ReadonlySet<WarmPart>, runId: string): Promise<unknown> =>
  Promise.all(
    [...parts].map(async (part) => {
      try {
        await getExternalWorkflowHandle(partWarmerId(part)).signal(warmWithdrawnSignal, runId);
      } catch {
        // it does not run: there is nothing to end
      }
    }),
  );

/** The report must not fail for want of it. */
async function memoryAfterwards(): Promise<RedisMemory | null> {
  try {
    return await getRedisMemory();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
}

/** The innermost message: what failed, not that an activity did. */
function reasonOf(error: unknown): string {
  let reason = error instanceof Error ? error : new Error(String(error));
  while (reason.cause instanceof Error) reason = reason.cause;
  return reason.message;
}

/** The input with its defaults. @throws InvalidInput naming what was wrong and what is accepted */
function checked(
  input: WarmCacheArgs,
): Required<Omit<WarmCacheArgs, 'parts' | 'scopes'>> & { parts: WarmPart[]; scopes: Scopes } {
  const invalid = (message: string) => ApplicationFailure.nonRetryable(message, 'InvalidInput');
  const scopes = input.scopes ?? {};
  checkScopes(scopes);
  const wanted: readonly string[] =
    input.parts ?? (Object.keys(scopes).length > 0 ? Object.keys(scopes) : warmParts);
  if (!Array.isArray(wanted) || wanted.length === 0 || !wanted.every(isWarmPart))
    throw invalid(`parts is ${JSON.stringify(input.parts)}, accepted is a list of ${warmParts.join(', ')}`);
  const trigger = input.trigger ?? 'manual';
  if (!warmTriggers.includes(trigger))
    throw invalid(`trigger is ${JSON.stringify(trigger)}, accepted is ${warmTriggers.join(', ')}`);
  return {
    parts: warmParts.filter((part) => wanted.includes(part)),
    trigger,
    requestedBy: String(input.requestedBy ?? 'unknown').slice(0, 100),
    scopes,
    dryRun: input.dryRun === true,
    allProfiles: input.allProfiles === true,
    force: input.force === true,
    allowShrink: input.allowShrink === true,
  };
}

/** @throws InvalidInput naming the part, what was wrong and what is accepted */
function checkScopes(scopes: Scopes): void {
  const accepted = `accepted is {"profiles": {"platforms": ["tiktok"]}} or {"profiles": {"ids": ["1", …]}}: parts of ${warmParts.join(', ')}, ids only for ${partsWithIds.join(' and ')}, at most ${MAX_SCOPE_IDS}`;
  const isList = (value: unknown) => Array.isArray(value) && value.length > 0;
  for (const [part, scope] of Object.entries(scopes)) {
    const { platforms, ids } = scope ?? {};
    const ok =
      isWarmPart(part) &&
      (ids === undefined
        ? isList(platforms) && platforms?.every((name) => isPlatform(name))
        : partsWithIds.includes(part) &&
          isList(ids) &&
          ids.length <= MAX_SCOPE_IDS &&
          ids.every((id) => isId(id)));
    if (!ok)
      throw ApplicationFailure.nonRetryable(
        `scopes.${part} is ${JSON.stringify(scope)?.slice(0, 200)}, ${accepted}`,
        'InvalidInput',
      );
  }
}
