import { rawValueTypeInfo, type RawValue } from '@temporalio/common';
import {
  CancellationScope,
  condition,
  continueAsNew,
  defaultPayloadConverter,
  defineSignal,
  executeChild,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import {
  checkLoad,
  duplicateKeyOf,
  ETL_DUPLICATE_HOURS,
  ETL_DUPLICATE_LOADS,
  ETL_WINDOW_SECONDS,
  mergePartsAndScopes,
  partsAndScopesOf,
  type EtlLoad,
  type PartsAndScopes,
} from '../../domain/warming/etl-load.ts';
import { formatInvalidValue } from '../../domain/values/invalid-value.ts';
import { createRecentKeys, type RecentKey } from '../../domain/values/recent-keys.ts';
import { formatEtlLoadsDetails } from './format-etl-loads-details.ts';
import { etlWarmId } from '../../contract/workflow-ids.ts';
import { etlLoadsStateQuery, tablesLoadedSignal } from '../../contract/messages.ts';
import { warmCache } from './warm-cache.ts';

/** Loads that are not served yet, as one: however many there are, it stays small. */
export interface WaitingLoads extends PartsAndScopes {
  readonly loads: number;
  readonly pipelines: readonly string[];
  /** Their keys: when the warm fails, they are no repeats. */
  readonly keys: readonly string[];
}

/** A warm after loads: under way while it has not ended. */
export interface EtlWarm {
  readonly workflowId: string;
  readonly parts: PartsAndScopes['parts'];
  readonly requestedBy: string;
  readonly loads: number;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Keys written. */
  readonly keys: number | null;
  readonly error: string | null;
}

/** What was wrong with a signal. */
export interface LoadProblem {
  readonly at: string;
  /** Nothing was done for it; otherwise what was right in it was taken. */
  readonly ignored: boolean;
  readonly reason: string;
}

/** What became of the loads since the first of them. */
export interface EtlLoadsState {
  /** Loads that said something new. */
  readonly taken: number;
  /** Loads that were told before, by the same run of the same pipeline. */
  readonly repeats: number;
  /** Signals that named no known table. */
  readonly ignored: number;
  /** The latest of what was wrong, oldest first. */
  readonly problems: readonly LoadProblem[];
  /** Loads taken that no warm serves yet. */
  readonly waiting: Pick<WaitingLoads, 'loads' | 'parts'>;
  readonly lastWarm: EtlWarm | null;
}

/** Input: nothing, or what the run before this one knew. */
export interface EtlLoadsArgs {
  readonly state?: EtlLoadsState;
  readonly waiting?: WaitingLoads;
  readonly remembered?: readonly RecentKey[];
}

const NONE: WaitingLoads = { loads: 0, parts: [], scopes: {}, pipelines: [], keys: [] };
const PROBLEMS_SHOWN = 5;
/**
 * The signal as it came: one that is no JSON must not be decoded before the handler sees it, since that would fail the
 * workflow's task, again at every try, and with it all other loads.
 */
const anySignal = defineSignal<[RawValue?]>(tablesLoadedSignal.name, {
  typeInfo: { inputTypes: [rawValueTypeInfo] },
});

/** Pipelines told of by name in a warm's summary. */
const PIPELINES_SHOWN = 10;
const REMEMBERED = { forMs: ETL_DUPLICATE_HOURS * 3_600_000, most: ETL_DUPLICATE_LOADS };

/**
 * Receives ETL signals (signal-with-start, so it need not run) and turns those of a short window into one warm of just what
 * they made stale. Signals that come during a warm make the next one. What a pipeline run repeats counts once, for which it
 * stays for a day after the last load; then it ends.
 */
export async function etlLoads(input?: EtlLoadsArgs): Promise<EtlLoadsState> {
  let state = input?.state ?? {
    taken: 0,
    repeats: 0,
    ignored: 0,
    problems: [],
    waiting: NONE,
    lastWarm: null,
  };
  let waiting = input?.waiting ?? NONE;
  const remembered = createRecentKeys(input?.remembered ?? [], REMEMBERED);
  const update = (change: Partial<EtlLoadsState>) => {
    state = { ...state, ...change, waiting: { loads: waiting.loads, parts: waiting.parts } };
    setCurrentDetails(formatEtlLoadsDetails(state));
  };

  // A signal's sender may be anyone: what is wrong is told here, not thrown, or it would stop the others.
  setHandler(anySignal, (raw) => {
    const { load, problems } = checkLoad(decoded(raw));
    if (problems.length > 0) {
      const reason = problems.map(formatInvalidValue).join('; ');
      log.warn(load === null ? 'A signal of an ETL load is ignored' : 'Part of an ETL load is ignored', {
        reason,
      });
      const problem = { at: now(), ignored: load === null, reason };
      update({ problems: [...state.problems, problem].slice(-PROBLEMS_SHOWN) });
    }
    if (load === null) {
      update({ ignored: state.ignored + 1 });
      return;
    }
    const key = duplicateKeyOf(load);
    if (key !== undefined && !remembered.add(key, Date.now())) {
      update({ repeats: state.repeats + 1 });
      return;
    }
    waiting = withLoad(waiting, load, key);
    update({ taken: state.taken + 1 });
  });
  setHandler(etlLoadsStateQuery, () => state);
  update({});

  let round = 0;
  while (
    await condition(
      () => waiting.loads > 0 || workflowInfo().continueAsNewSuggested,
      `${ETL_DUPLICATE_HOURS} hours`,
    )
  ) {
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof etlLoads>({ state, waiting, remembered: remembered.entries() });
    await sleep(`${ETL_WINDOW_SECONDS} seconds`);
    const served = waiting;
    waiting = NONE;
    update({});
    // Such as kol_trust_features: the cache holds nothing of it.
    if (served.parts.length === 0) continue;
    round += 1;
    await warm(served, etlWarmId(workflowInfo().runId, round), (lastWarm) => {
      if (lastWarm.error !== null) served.keys.forEach((key) => remembered.forget(key));
      update({ lastWarm });
    });
  }
  return state;
}

/** What a signal says; where that cannot be read, the reason as text, which is no load. */
function decoded(raw: RawValue | undefined): unknown {
  if (raw === undefined) return undefined;
  try {
    return defaultPayloadConverter.fromPayload(raw.payload);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function withLoad(waiting: WaitingLoads, load: EtlLoad, key: string | undefined): WaitingLoads {
  const pipelines = new Set([...waiting.pipelines, load.pipeline ?? 'unknown']);
  return {
    ...mergePartsAndScopes([waiting, partsAndScopesOf([load])]),
    loads: waiting.loads + 1,
    pipelines: [...pipelines].slice(0, PIPELINES_SHOWN),
    keys: key === undefined ? waiting.keys : [...waiting.keys, key].slice(-ETL_DUPLICATE_LOADS),
  };
}

/** One warm for all of them; `told` hears when it starts and how it ended. */
async function warm(
  { parts, scopes, pipelines, loads }: WaitingLoads,
  workflowId: string,
  told: (warm: EtlWarm) => void,
): Promise<void> {
  const requestedBy = pipelines.join(', ').slice(0, 100);
  const started: EtlWarm = {
    workflowId,
    parts,
    requestedBy,
    loads,
    startedAt: now(),
    endedAt: null,
    keys: null,
    error: null,
  };
  told(started);
  try {
    const { keys } = await executeChild(warmCache, {
      workflowId,
      args: [{ parts, scopes, trigger: 'etl', requestedBy }],
      // Temporal refuses one of more than 400 bytes.
      staticSummary: `Warm of ${parts.join(', ')} after ${loads} ETL loads by ${requestedBy.slice(0, 60)}`,
    });
    told({ ...started, endedAt: now(), keys });
  } catch (error) {
    // Cancelled with this workflow, as against a warm that was cancelled alone.
    if (CancellationScope.current().consideredCancelled) throw error;
    // Its own run shows why; later loads must still be served.
    const reason = innermostMessage(error);
    log.error('The warm after an ETL load failed', { workflowId, reason });
    told({ ...started, endedAt: now(), error: reason.slice(0, 1000) });
  }
}

/** What failed, not that a child workflow did. */
function innermostMessage(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message : String(reason);
}

const now = (): string => new Date().toISOString();
