import type { WorkflowHandle } from '@temporalio/client';
import type { EventKind } from '../../domain/scoring/topics.ts';
import { loopStateQuery } from '../../contract/messages.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { until } from '../support/until.ts';
import type { Arena } from './arena.ts';
import type { Bench } from './bench.ts';
import type { Action, Point } from './points.ts';

/** Three batches of two ranges. */
export const EVENTS = 240;
const OPTIONS = { partitions: 2, events: EVENTS, ids: 50, maxOffsets: 80 };

export interface Strike {
  readonly point: Point;
  readonly action: Extract<Action, 'kill' | 'cut' | 'silence'>;
  /** Profiles, where it does not say. */
  readonly kind?: EventKind;
}

export const nameOf = ({ kind = 'profiles', point, action }: Strike): string => `${kind}-${point}-${action}`;

export interface StrikeResult {
  readonly arena: Arena;
  /** What the worker told that the fault hit. */
  readonly told: readonly string[];
}

/**
 * Runs a loop, lets one fault happen in one of its ranges, and waits until all is committed; after a kill another worker
 * goes on. Later faults than the first range find producers that are used again; a producer's id is taken only once.
 */
export async function strike(bench: Bench, one: Strike): Promise<StrikeResult> {
  const { point, action, kind = 'profiles' } = one;
  const arena = await bench.arena(nameOf(one), { ...OPTIONS, kind });
  const skip = point.endsWith('init-producer-id') ? 1 : action === 'kill' ? 2 : 3;
  const loop = await arena.startLoop();
  const victim = arena.worker({ fault: arena.fault(point, action, skip) });
  await victim.says('fault');
  if (action === 'kill') {
    await victim.ended();
    arena.worker();
  }
  await arena.untilAllCommitted();
  await untilAllCounted(arena, loop);
  await arena.close();
  return { arena, told: victim.lines };
}

/** Waits until the loop knows of every event, also of those whose commit or report was lost on the way. */
export const untilAllCounted = (arena: Arena, loop: WorkflowHandle<typeof scoringLoop>): Promise<void> =>
  until(
    `the loop counts all of ${arena.topic}`,
    async () => {
      // Where its worker was killed, nobody answers for a moment.
      const state = await loop.query(loopStateQuery).catch(() => undefined);
      return state?.totals.records === (await arena.committed()).of;
    },
    60,
  );

/**
 * Whether a worker was refused a commit that the broker had made: its next attempt found nothing left to do.
 */
export const foundItCommitted = (told: readonly string[]): boolean => {
  const refused = told.findIndex((line) => line.startsWith('commit refused'));
  return refused >= 0 && told.slice(refused).some((line) => /^attempt ended .*nothing to do$/.test(line));
};
