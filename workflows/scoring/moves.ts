import { condition } from '@temporalio/workflow';
import type { LoopMemory } from './loop-memory.ts';
import type { Slices } from './slices.ts';
import { updateFailure } from './update-failures.ts';

/** An update is answered within this time, also while Kafka is down: an operator waits for it. */
const ANSWER_MS = 55_000;
/** A move that has waited for its turn this long does not begin: too little of its time is left. */
const TURN_MS = 50_000;

/**
 * Moves are seeks and changes of the group. One runs at a time, and no slice runs meanwhile:
 *
 *     wait for the moves before → stop the slices → work → answer
 *
 * A move without a turn after 50 s fails, and does nothing. A move whose work still runs after 55 s is answered with a failure, but the
 * work goes on, and the next move waits for it.
 * @param show shows the state after a change
 */
export function createMoves(loop: LoopMemory, slices: Slices, show: () => void) {
  let movesBefore: Promise<unknown> = Promise.resolve();

  /**
   * @param work receives the time (ms since 1970) at which the update is answered
   * @param unfinished the answer when it still runs then
   */
  return async function move(work: (answerAtMs: number) => Promise<void>, unfinished: string): Promise<void> {
    const answerAtMs = Date.now() + ANSWER_MS;
    loop.moves += 1;
    show();

    let isTooLate = false;
    const turn = movesBefore.then(() => (isTooLate ? undefined : slices.stop()));

    async function workInTurn(): Promise<void> {
      try {
        isTooLate = !(await endsWithin(TURN_MS, turn));
        if (isTooLate)
          throw updateFailure('nothing was done: other updates of this loop still wait for Kafka');
        await work(answerAtMs);
      } finally {
        loop.moves -= 1;
        show();
      }
    }

    const working = workInTurn();
    movesBefore = Promise.allSettled([turn, working]);
    if (!(await endsWithin(ANSWER_MS, working))) throw updateFailure(unfinished);
    return working; // its result, or its error
  };
}

/** Whether some work ends, well or not, within a time. */
async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let hasEnded = false;
  const end = () => (hasEnded = true);
  work.then(end, end);
  return condition(() => hasEnded, ms);
}
