import { ServiceError, type Client } from '@temporalio/client';
import { readWarmProgress } from '../clients/temporal/read-warm-progress.ts';
import { readEtlRun } from '../clients/temporal/signal-etl-load.ts';
import { waitForEtlRun } from '../clients/temporal/wait-for-etl-run.ts';
import { isFinished, type EtlRunStatus } from '../contract/etl-loads.ts';
import { ETL_LOADS_ID } from '../contract/workflow-ids.ts';
import type { EtlRunSelector } from '../domain/warming/load-memory.ts';
import { printable, printableJson } from './printable.ts';
import { showProgress } from './warm-progress.ts';

/** Temporal answers no query while no worker runs. */
const QUERY_SECONDS = 10;
const MAX_PRINTED = 200;

/** Exit codes of `wait`. */
const exitCodes = { done: 0, failed: 1, notFinished: 3 } as const;

/** Temporal did not answer the query, because it is down or because no worker runs. */
export class LoadsUnansweredError extends Error {
  readonly code = 'ETL_LOADS_UNANSWERED';
  constructor(options: ErrorOptions) {
    super(`The workflow ${ETL_LOADS_ID} does not answer; a worker must run`, options);
    this.name = 'LoadsUnansweredError';
  }
}

/**
 * Reads the status of a run; null when it is not known.
 * @throws LoadsUnansweredError
 */
export async function readRun(temporal: Client, run: EtlRunSelector): Promise<EtlRunStatus | null> {
  try {
    return await temporal.withDeadline(Date.now() + QUERY_SECONDS * 1000, () => readEtlRun(temporal, run));
  } catch (error) {
    if (error instanceof ServiceError) throw new LoadsUnansweredError({ cause: error });
    throw error;
  }
}

/**
 * Waits until the loads of a run are done or failed, and shows progress. Workers may restart during the wait.
 * @param read the status of the run
 * @throws LoadsUnansweredError when the first or the last read has no answer
 */
export async function waitForRun(
  temporal: Client,
  read: () => Promise<EtlRunStatus | null>,
  { seconds, quiet }: { readonly seconds: number; readonly quiet: boolean },
): Promise<EtlRunStatus | null> {
  let last: EtlRunStatus | undefined;
  let outage: LoadsUnansweredError | undefined;
  let stopProgress: (() => void) | undefined;
  const onStatus = (status: EtlRunStatus) => {
    if (!quiet && status.state !== last?.state) {
      stopProgress?.();
      console.log(formatState(status));
      stopProgress =
        status.state === 'warming'
          ? showProgress(process.stdout, () => readWarmProgress(temporal))
          : undefined;
    }
    last = status;
  };
  const readThroughOutage = async () => {
    try {
      const status = await read();
      outage = undefined;
      if (status !== null) onStatus(status);
      return status;
    } catch (error) {
      if (!(error instanceof LoadsUnansweredError) || last === undefined) throw error;
      outage = error;
      return last;
    }
  };
  try {
    const status = await waitForEtlRun(readThroughOutage, { seconds });
    if (outage !== undefined) throw outage;
    return status;
  } finally {
    stopProgress?.();
  }
}

/** Prints each load of a run. */
export function printRun(status: EtlRunStatus, json: boolean): void {
  if (json) {
    console.log(printableJson(status));
    return;
  }
  for (const { tables, state, takenAt, warm, endedAt, error } of status.loads) {
    const details = [
      `taken ${takenAt}`,
      ...(warm === null ? [] : [`warm ${warm}`]),
      ...(endedAt === null ? [] : [`ended ${endedAt}`]),
      ...(error === null ? [] : [printable(error, MAX_PRINTED)]),
    ];
    console.log(`${state}: ${tables.join(', ')} (${details.join(', ')})`);
  }
}

export const exitCodeOf = (status: EtlRunStatus): number => {
  if (!isFinished(status)) return exitCodes.notFinished;
  return status.state === 'done' ? exitCodes.done : exitCodes.failed;
};

function formatState({ state, loads }: EtlRunStatus): string {
  const warms = new Set(loads.flatMap(({ state: one, warm }) => (one === 'warming' ? (warm ?? []) : [])));
  if (state === 'taken') return 'taken: the load waits for its warm';
  return state === 'warming' ? `warming: ${[...warms].join(', ')}` : state;
}
