import {
  CancellationScope,
  condition,
  continueAsNew,
  executeChild,
  log,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { parseEtlLoadsInput, type EtlLoadsInput } from '../../contract/etl-loads-input.ts';
import {
  parseEtlLoad,
  parseEtlRunSelector,
  type EtlLoadsState,
  type EtlWarm,
} from '../../contract/etl-loads.ts';
import { etlLoadsStateQuery, etlRunQuery, tablesLoadedSignal } from '../../contract/messages.ts';
import { etlWarmId } from '../../contract/workflow-ids.ts';
import { formatInvalidValue } from '../../domain/values/invalid-value.ts';
import { ETL_WINDOW_SECONDS } from '../../domain/warming/etl-load.ts';
import { createLoadMemory, ETL_MEMORY_HOURS } from '../../domain/warming/load-memory.ts';
import { createLoadQueue, type WaitingLoads } from '../../domain/warming/load-queue.ts';
import { asCode } from '../as-code.ts';
import { innermostMessage } from '../innermost-message.ts';
import { validInput } from '../valid-input.ts';
import { etlRunStatus } from './etl-run-status.ts';
import { formatEtlLoadsDetails } from './format-etl-loads-details.ts';
import { warmCache } from './warm-cache.ts';

const NO_STATE: EtlLoadsState = {
  taken: 0,
  repeats: 0,
  ignored: 0,
  problems: [],
  waiting: { loads: 0, parts: [] },
  lastWarm: null,
};
/** Maximum number of problems in the state. */
const MAX_PROBLEMS = 5;
/** Temporal refuses the 10,001st signal of a run, and ends a run whose history has 50 MB; from 10 MB it warns. */
const MAX_HISTORY = { signals: 5_000, bytes: 10_000_000 };
/** Temporal refuses a static summary of more than 400 bytes. */
const MAX_SUMMARY_PIPELINES = 60;

/**
 * Receives ETL signals (by signal-with-start, so it need not be running) and turns the signals of a short window into one warm of the stale
 * parts. Signals that arrive during a warm lead to the next one. A load that a pipeline run sends again counts once. To recognise repeats,
 * and to report the state of loads, the workflow stays open for a day after the last load.
 *
 * It continues as new between two warms. During a warm it does so only when its history is nearly full, because the next run cannot wait
 * for that warm, and warms again for the same loads.
 *
 * Thousands of signals can arrive in one workflow task: the work for one signal must be small and must not grow with the number of loads.
 * @throws InvalidInput
 */
export async function etlLoads(input?: EtlLoadsInput): Promise<EtlLoadsState> {
  const { state: counted = NO_STATE, waiting, memory: known } = validInput(parseEtlLoadsInput(input));
  const queue = createLoadQueue(waiting);
  const memory = createLoadMemory(known);
  let counts = counted;
  let signals = 0;

  const state = (): EtlLoadsState => {
    const { loads, parts } = queue.waiting();
    return { ...counts, waiting: { loads, parts } };
  };
  const showDetails = oncePerTask(() => setCurrentDetails(formatEtlLoadsDetails(state())));
  const update = (change: Partial<EtlLoadsState>) => {
    counts = { ...counts, ...change };
    showDetails();
  };

  // Any client can send a signal. Show a problem in the state instead of throwing it, because a failure would stop all other loads.
  setHandler(tablesLoadedSignal, (given) => {
    signals += 1;
    const { load, problems } = parseEtlLoad(given);
    if (problems.length > 0) {
      const reason = problems.map(formatInvalidValue).join('; ');
      log.warn(load === null ? 'ignored the signal of an ETL load' : 'ignored a part of an ETL load', {
        reason,
      });
      const problem = { at: now(), ignored: load === null, reason };
      update({ problems: [...counts.problems, problem].slice(-MAX_PROBLEMS) });
    }
    if (load === null) return update({ ignored: counts.ignored + 1 });
    if (!memory.add(load, Date.now())) return update({ repeats: counts.repeats + 1 });
    queue.add(load);
    update({ taken: counts.taken + 1 });
  });
  setHandler(etlLoadsStateQuery, state);
  setHandler(etlRunQuery, (given) => etlRunStatus(memory, validInput(parseEtlRunSelector(given))));
  update({});

  const isHistoryFull = () => signals > MAX_HISTORY.signals || workflowInfo().historySize > MAX_HISTORY.bytes;
  let round = 0;
  const hasWork = () => !queue.isEmpty() || workflowInfo().continueAsNewSuggested;
  while (await condition(hasWork, `${ETL_MEMORY_HOURS} hours`)) {
    if (workflowInfo().continueAsNewSuggested || isHistoryFull())
      await continueAsNew<typeof etlLoads>({
        state: state(),
        waiting: queue.waiting(),
        memory: memory.snapshot(),
      });
    await sleep(`${ETL_WINDOW_SECONDS} seconds`);
    const served = queue.take();
    // some tables, such as kol_trust_features, make no part stale
    if (served.parts.length === 0) {
      memory.skipWarm(Date.now());
      update({});
      continue;
    }
    round += 1;
    // Not runId: a reset gives the run a new one, and the replay must start the same warm.
    const workflowId = etlWarmId(workflowInfo().originalExecutionRunId, round);
    memory.startWarm(workflowId);
    const warm = warmAfterLoads(served, workflowId, (lastWarm) => update({ lastWarm }));
    const ended = await unlessBefore(isHistoryFull, warm);
    if (ended === undefined || (ended.error !== null && memory.wasRepeated())) {
      memory.retakeLoads();
      queue.putBack(served);
    } else memory.endWarm(ended.error, Date.now());
    update({});
  }
  return state();
}

/** @returns the result of the work; undefined if the condition becomes true first. The work then continues. */
async function unlessBefore<T>(isTrue: () => boolean, work: Promise<T>): Promise<T | undefined> {
  let isEnded = false;
  const ending = work.finally(() => (isEnded = true));
  // not cancellable: cancelled work must end first
  const interrupted = CancellationScope.nonCancellable(() => condition(() => isEnded || isTrue()));
  await Promise.race([ending, interrupted]);
  return isEnded ? ending : undefined;
}

/** Runs `work` once at the end of a workflow task, for all calls in that task. */
function oncePerTask(work: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    void Promise.resolve().then(() => {
      isPlanned = false;
      work();
    });
  };
}

/**
 * Runs one warm for all waiting loads. Its failure does not end this workflow, because later loads need a warm too.
 * @param onChange called when the warm starts and when it ends
 * @returns the warm that has ended
 */
async function warmAfterLoads(
  { parts, scopes, pipelines, loads }: WaitingLoads,
  workflowId: string,
  onChange: (warm: EtlWarm) => void,
): Promise<EtlWarm> {
  const requestedBy = pipelines.join(', ').slice(0, 100);
  const started = { workflowId, parts, requestedBy, loads, startedAt: now() };
  onChange({ ...started, endedAt: null, keys: null, error: null });
  const end = (result: Pick<EtlWarm, 'keys' | 'error'>): EtlWarm => {
    const ended = { ...started, endedAt: now(), ...result };
    onChange(ended);
    return ended;
  };
  try {
    const { keys } = await executeChild(warmCache, {
      workflowId,
      // the warm must not end with the run of this workflow
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ parts, scopes, trigger: 'etl', requestedBy }],
      staticSummary: `Warm of ${parts.join(', ')} after ${loads} ETL loads by ${asCode(requestedBy.slice(0, MAX_SUMMARY_PIPELINES))}`,
    });
    return end({ keys, error: null });
  } catch (error) {
    // Rethrow when this workflow is cancelled, but not when only the warm was cancelled.
    if (CancellationScope.current().consideredCancelled) throw error;
    const reason = innermostMessage(error);
    log.error('the warm after an ETL load failed', { workflowId, reason });
    return end({ keys: null, error: reason.slice(0, 1000) });
  }
}

const now = (): string => new Date().toISOString();
