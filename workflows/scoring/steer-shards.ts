import { proxyActivities } from '@temporalio/workflow';
import type { ScoringActivities } from '../../activities/index.ts';
import type { SendShardUpdateArgs } from '../../activities/scoring/send-shard-update.ts';
import { steeringWithin } from '../activity-options.ts';

/** The loop of a shard answers within 55 s (moves.ts). */
const ANSWER_MS = 57_000;
/** Also an update that has waited long for the one before it gets this time. */
const MIN_MS = 1000;

/**
 * Passes updates on to the loops of the other shards. A loop gets them in the order of the calls: a resume must not overtake the
 * pause before it. So one is sent when the loop has accepted the one before; the answers are awaited at the same time. A loop that
 * accepts nothing keeps no other one from its updates.
 */
export function createShardSteering() {
  const sentBefore = new Map<string, Promise<unknown>>();

  /** @param ready after it, the loop runs */
  return async function steerShard(args: SendShardUpdateArgs, ready: Promise<void>): Promise<void> {
    const { workflowId, updateId } = args;
    const answerAtMs = Date.now() + ANSWER_MS;
    const activities = () =>
      proxyActivities<ScoringActivities>(steeringWithin(Math.max(MIN_MS, answerAtMs - Date.now())));
    const sent = Promise.all([sentBefore.get(workflowId), ready]).then(() =>
      activities().sendShardUpdate(args),
    );
    sentBefore.set(
      workflowId,
      sent.catch(() => {}),
    );
    const runId = await sent;
    await activities().awaitShardUpdate({ workflowId, runId, updateId });
  };
}
