import type { WorkflowHandle } from '@temporalio/client';
import { loopStateQuery } from '../../contract/messages.ts';
import type { EventKind } from '../../domain/scoring/topics.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { until } from '../support/until.ts';
import type { ChaosRun } from './chaos-run.ts';
import type { Action, Point } from './fault-points.ts';
import type { TestBed } from './test-bed.ts';

/** Three batches in each of two partitions. */
export const FAULT_RUN_EVENTS = 240;
const OPTIONS = { partitions: 2, events: FAULT_RUN_EVENTS, ids: 50, maxOffsets: 40 };

export interface FaultCase {
  readonly point: Point;
  readonly action: Extract<Action, 'kill' | 'cut' | 'silence'>;
  /** Default: profiles. */
  readonly kind?: EventKind;
}

export const nameOf = ({ kind = 'profiles', point, action }: FaultCase): string =>
  `${kind}-${point}-${action}`;

/** Points of the opening of a partition. */
const OPENING = ['init-producer-id', 'after-fence', 'after-offset'];

export interface FaultRunResult {
  readonly run: ChaosRun;
  /** Lines that the worker with the fault printed. */
  readonly workerLines: readonly string[];
}

/**
 * Runs a loop, injects one fault into one of its batches, and waits until everything is committed. After a kill another worker
 * continues. The fault happens after the first batches, when the producer is in use; only what opens a partition happens once in
 * each slice.
 */
export async function runWithFault(bed: TestBed, faultCase: FaultCase): Promise<FaultRunResult> {
  const { point, action, kind = 'profiles' } = faultCase;
  const run = await bed.createRun(nameOf(faultCase), { ...OPTIONS, kind });
  const skip = OPENING.some((name) => point.endsWith(name)) ? 1 : action === 'kill' ? 2 : 3;
  const loop = await run.startLoop();
  const victim = run.startWorker({ fault: run.fault(point, action, skip) });
  await victim.untilLine('fault');
  if (action === 'kill') {
    await victim.untilExit();
    run.startWorker();
  }
  await run.untilAllCommitted();
  await untilAllCounted(run, loop);
  await run.close();
  return { run, workerLines: victim.lines };
}

/** Waits until the loop has counted every event, also those whose commit or report was lost. */
export const untilAllCounted = (run: ChaosRun, loop: WorkflowHandle<typeof scoringLoop>): Promise<void> =>
  until(
    `the loop has counted every event of ${run.topic}`,
    async () => {
      // After a kill, no worker answers the query for a moment.
      const state = await loop.query(loopStateQuery).catch(() => undefined);
      return state?.totals.records === (await run.countOffsets()).total;
    },
    120,
  );

/** Whether the worker never saw the end of a commit that the broker had made, and the next fence found its offset committed. */
export const retryFoundCommit = (workerLines: readonly string[]): boolean => {
  const places = (prefix: string) =>
    workerLines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const done = new Set(places('commit done '));
  const found = new Set(places('position '));
  return places('commit begun ').some((place) => !done.has(place) && found.has(place));
};
