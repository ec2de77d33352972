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
  parseEtlLoad,
  type EtlLoadsInput,
  type EtlLoadsState,
  type EtlWarm,
  type WaitingLoads,
} from '../../contract/etl-loads.ts';
import { etlLoadsStateQuery, tablesLoadedSignal } from '../../contract/messages.ts';
import { etlWarmId } from '../../contract/workflow-ids.ts';
import { formatInvalidValue } from '../../domain/values/invalid-value.ts';
import { createRecentKeys } from '../../domain/values/recent-keys.ts';
import {
  duplicateKeyOf,
  ETL_DUPLICATE_HOURS,
  ETL_DUPLICATE_LOADS,
  ETL_WINDOW_SECONDS,
  mergePartsAndScopes,
  partsAndScopesOf,
  type EtlLoad,
} from '../../domain/warming/etl-load.ts';
import { innermostMessage } from '../innermost-message.ts';
import { formatEtlLoadsDetails } from './format-etl-loads-details.ts';
import { warmCache } from './warm-cache.ts';

const NO_LOADS: WaitingLoads = { loads: 0, parts: [], scopes: {}, pipelines: [], keys: [] };
const NO_STATE: EtlLoadsState = {
  taken: 0,
  repeats: 0,
  ignored: 0,
  problems: [],
  waiting: NO_LOADS,
  lastWarm: null,
};
/** Problems that the state shows. */
const MAX_PROBLEMS = 5;
/** Pipelines that the summary of a warm names. */
const MAX_PIPELINES = 10;
const DUPLICATES = { ttlMs: ETL_DUPLICATE_HOURS * 3_600_000, maxKeys: ETL_DUPLICATE_LOADS };
/** Temporal refuses a static summary of more than 400 bytes. */
const MAX_SUMMARY_PIPELINES = 60;

/**
 * The signal before it is decoded. A signal that is not JSON must reach the handler: if Temporal decoded it, every workflow
 * task would fail, and with it all other loads.
 */
const rawTablesLoadedSignal = defineSignal<[RawValue?]>(tablesLoadedSignal.name, {
  typeInfo: { inputTypes: [rawValueTypeInfo] },
});

/**
 * Receives ETL signals (by signal-with-start, so it does not need to run) and turns the signals of a short window into one
 * warm of the parts that became stale. Signals that arrive during a warm lead to the next one. A load that a pipeline run
 * sends again counts once; to recognise it, the workflow stays open for a day after the last load, then it ends.
 */
export async function etlLoads(input?: EtlLoadsInput): Promise<EtlLoadsState> {
  let state = input?.state ?? NO_STATE;
  let waiting = input?.waiting ?? NO_LOADS;
  const recentKeys = createRecentKeys(input?.remembered ?? [], DUPLICATES);
  const update = (change: Partial<EtlLoadsState>) => {
    state = { ...state, ...change, waiting: { loads: waiting.loads, parts: waiting.parts } };
    setCurrentDetails(formatEtlLoadsDetails(state));
  };

  // A signal can come from any client. A problem in it is shown in the state and not thrown, because a failure would stop
  // all other loads.
  setHandler(rawTablesLoadedSignal, (raw) => {
    const { load, problems } = parseEtlLoad(decode(raw));
    if (problems.length > 0) {
      const reason = problems.map(formatInvalidValue).join('; ');
      log.warn(load === null ? 'ignored the signal of an ETL load' : 'ignored a part of an ETL load', {
        reason,
      });
      const problem = { at: now(), ignored: load === null, reason };
      update({ problems: [...state.problems, problem].slice(-MAX_PROBLEMS) });
    }
    if (load === null) return update({ ignored: state.ignored + 1 });
    const key = duplicateKeyOf(load);
    if (key !== undefined && !recentKeys.add(key, Date.now())) return update({ repeats: state.repeats + 1 });
    waiting = addLoad(waiting, load, key);
    update({ taken: state.taken + 1 });
  });
  setHandler(etlLoadsStateQuery, () => state);
  update({});

  let round = 0;
  const hasWork = () => waiting.loads > 0 || workflowInfo().continueAsNewSuggested;
  while (await condition(hasWork, `${ETL_DUPLICATE_HOURS} hours`)) {
    if (workflowInfo().continueAsNewSuggested)
      await continueAsNew<typeof etlLoads>({ state, waiting, remembered: recentKeys.entries() });
    await sleep(`${ETL_WINDOW_SECONDS} seconds`);
    const served = waiting;
    waiting = NO_LOADS;
    update({});
    // Some tables, such as kol_trust_features, are not cached.
    if (served.parts.length === 0) continue;
    round += 1;
    await warmAfterLoads(served, etlWarmId(workflowInfo().runId, round), (lastWarm) => {
      if (lastWarm.error !== null) served.keys.forEach((key) => recentKeys.forget(key));
      update({ lastWarm });
    });
  }
  return state;
}

/** The content of a signal. When it cannot be decoded, the error text, which is not a valid load. */
function decode(raw: RawValue | undefined): unknown {
  if (raw === undefined) return undefined;
  try {
    return defaultPayloadConverter.fromPayload(raw.payload);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function addLoad(waiting: WaitingLoads, load: EtlLoad, key: string | undefined): WaitingLoads {
  const pipelines = new Set([...waiting.pipelines, load.pipeline ?? 'unknown']);
  return {
    ...mergePartsAndScopes([waiting, partsAndScopesOf([load])]),
    loads: waiting.loads + 1,
    pipelines: [...pipelines].slice(0, MAX_PIPELINES),
    keys: key === undefined ? waiting.keys : [...waiting.keys, key].slice(-ETL_DUPLICATE_LOADS),
  };
}

/**
 * Runs one warm for all waiting loads. Its failure does not end this workflow, because later loads need a warm too.
 * @param onChange called when the warm starts and when it ends
 */
async function warmAfterLoads(
  { parts, scopes, pipelines, loads }: WaitingLoads,
  workflowId: string,
  onChange: (warm: EtlWarm) => void,
): Promise<void> {
  const requestedBy = pipelines.join(', ').slice(0, 100);
  const started = { workflowId, parts, requestedBy, loads, startedAt: now() };
  onChange({ ...started, endedAt: null, keys: null, error: null });
  try {
    const { keys } = await executeChild(warmCache, {
      workflowId,
      args: [{ parts, scopes, trigger: 'etl', requestedBy }],
      staticSummary: `Warm of ${parts.join(', ')} after ${loads} ETL loads by ${requestedBy.slice(0, MAX_SUMMARY_PIPELINES)}`,
    });
    onChange({ ...started, endedAt: now(), keys, error: null });
  } catch (error) {
    // Rethrow when this workflow is cancelled, but not when only the warm was cancelled.
    if (CancellationScope.current().consideredCancelled) throw error;
    const reason = innermostMessage(error);
    log.error('the warm after an ETL load failed', { workflowId, reason });
    onChange({ ...started, endedAt: now(), keys: null, error: reason.slice(0, 1000) });
  }
}

const now = (): string => new Date().toISOString();
