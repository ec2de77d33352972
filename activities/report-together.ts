import { CompleteAsyncError, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { createFinishTogether } from './finish-together.ts';
import type { ScoringActivities } from './index.ts';

/**
 * A Temporal that does not answer is left to the worker, which tries again and again. With the wait for siblings (5 s) it
 * ends before the heartbeat timeout (10 s) does.
 */
const DEADLINE_MS = 2000;

/**
 * Lets the ranges of a batch that run in this worker report together, over the client's connection, where calls of one moment
 * leave as one burst. The worker's own reports leave up to 8 ms apart where cores are scarce, and the server wakes the
 * workflow some 3 ms after the first, then once more for the others.
 */
export function reportRangesTogether(
  temporal: Pick<Client, 'activity' | 'withDeadline'>,
  { scoreRange, ...others }: ScoringActivities,
): ScoringActivities {
  const begin = createFinishTogether();
  return {
    ...others,
    async scoreRange(args) {
      // A loop has one batch at a time.
      const finished = begin(`${args.group} ${args.topic}`);
      const report = await scoreRange(args).catch((error: unknown) => {
        void finished(); // its siblings need not wait for the retry
        throw error;
      });
      await finished();
      try {
        const { taskToken } = Context.current().info;
        await temporal.withDeadline(Date.now() + DEADLINE_MS, () =>
          temporal.activity.complete(taskToken, report),
        );
      } catch {
        return report;
      }
      throw new CompleteAsyncError(); // tells the worker that this is done
    },
  };
}
