import { ApplicationFailure, condition, patched } from '@temporalio/workflow';
import { failureTypes } from '../../contract/failure-types.ts';
import type { LoopMemory } from './loop-memory.ts';
import type { Slices } from './slices.ts';

/** An update is answered within this time, also while Kafka is down: an operator waits for it. */
const ANSWER_MS = 55_000;
/** A move that has waited for others this long does not begin: too little of its time is left. */
const TURN_MS = 50_000;

/** @param show shows the state after a change */
export function createMoves(loop: LoopMemory, slices: Slices, show: () => void) {
  let last: Promise<unknown> = Promise.resolve();

  /**
   * @param work receives the time (ms since 1970) at which the update is answered
   * @param unfinished the answer when it still runs then; it goes on
   */
  return async function move(work: (answerAtMs: number) => Promise<void>, unfinished: string): Promise<void> {
    const answerAtMs = Date.now() + ANSWER_MS;
    const hasDeadline = patched('moves-have-deadlines');
    loop.moves += 1;
    show();
    let isLate = false;
    const turn = last.then(() => (isLate ? undefined : slices.stop()));
    const run = async () => {
      try {
        isLate = hasDeadline && !(await endsWithin(TURN_MS, turn));
        if (isLate) throw failure('nothing was done: other updates of this loop still wait for Kafka');
        await turn;
        await work(answerAtMs);
      } finally {
        loop.moves -= 1;
        if (hasDeadline) show();
      }
    };
    const own = run();
    last = Promise.allSettled([turn, own]);
    if (hasDeadline && !(await endsWithin(ANSWER_MS, own))) throw failure(unfinished);
    await own;
  };
}

/** Whether a promise is settled in time. */
async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let hasEnded = false;
  const end = () => (hasEnded = true);
  work.then(end, end);
  return condition(() => hasEnded, ms);
}

const failure = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, failureTypes.seekFailed);
