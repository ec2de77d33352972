import type { EtlRunStatus } from '../../contract/etl-loads.ts';
import type { createLoadMemory, EtlRunSelector, LoadState } from '../../domain/warming/load-memory.ts';

/** Loads of one run that a status lists. */
const MAX_LISTED = 100;
/** The state of a run is the first of these states that one of its loads has. */
const PRECEDENCE: readonly LoadState[] = ['warming', 'taken', 'failed'];

/** The state of the loads of a pipeline run; null if none is remembered. */
export function etlRunStatus(
  memory: Pick<ReturnType<typeof createLoadMemory>, 'find'>,
  run: EtlRunSelector,
): EtlRunStatus | null {
  const found = memory.find(run);
  if (found.length === 0) return null;
  const state = PRECEDENCE.find((one) => found.some((load) => load.state === one)) ?? 'done';
  const loads = found.map(({ tables, takenMs, warm, ...load }) => ({
    tables,
    state: load.state,
    takenAt: toIso(takenMs),
    warm: warm?.workflowId ?? null,
    endedAt: warm?.endedMs == null ? null : toIso(warm.endedMs),
    error: warm?.error ?? null,
  }));
  const error = loads.find((load) => load.error !== null)?.error ?? null;
  return { runId: run.runId, state, error, loads: loads.slice(-MAX_LISTED) };
}

const toIso = (ms: number): string => new Date(ms).toISOString();
