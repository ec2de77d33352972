import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { pauseLoopUpdate } from '../../contract/messages.ts';
import { SCORING_TASK_QUEUE } from '../../contract/task-queues.ts';
import { scoringLoopId } from '../../contract/workflow-ids.ts';
import type { Workflows } from '../../contract/workflows.ts';
import { shardOf } from '../../domain/scoring/topics.ts';
import { createTopics } from '../../engines/create-topics.ts';
import { coreShares } from '../core-shares.ts';
import { profileMessage } from './profile-message.ts';
import type { Scoring } from './start-scoring.ts';

const TOPIC = 'bench.profiles';
const PARTITIONS = 200;
const SECONDS = 120;
/** Each partition gets an event in this time. */
const ROUND_MS = 20_000;

/** What a topic with many quiet partitions costs: processor time of the Temporal server and the worker, history, time to pause. */
export async function measureManyPartitions(scoring: Scoring): Promise<void> {
  const { temporal, admin, figure, commits, temporalPid, worker } = scoring;
  await createTopics(admin, [{ topic: TOPIC, numPartitions: PARTITIONS }]);
  const loop = await temporal.workflow.start<Workflows['scoringLoop']>('scoringLoop', {
    workflowId: scoringLoopId(TOPIC),
    taskQueue: SCORING_TASK_QUEUE,
    args: [{ topic: TOPIC, kind: 'profiles', settings: { trigger: 10 } }],
  });
  const feed = feedPartitions(scoring);
  await commits.reach(TOPIC, 2 * PARTITIONS);
  await sleep(75_000); // the first slices started together; the next ones are spread over time

  const before = await countHistory(scoring);
  const committed = commits.count(TOPIC);
  const [server = Number.NaN, ownWorker = Number.NaN] = await coreShares(
    [temporalPid, worker.pid ?? Number.NaN],
    SECONDS,
  );
  const after = await countHistory(scoring);
  const what = `${PARTITIONS} partitions, trigger 10 s, an event each ${ROUND_MS / 1000} s`;
  figure({
    what: `${what}: cores of the Temporal server over ${SECONDS} s`,
    value: `${server.toFixed(2)}; the worker ${ownWorker.toFixed(2)}; ${commits.count(TOPIC) - committed} events committed`,
    against: 'goal ≤ 0.5',
    ratio: server / 0.5,
  });
  const slices = after.slices - before.slices;
  const perSlice = (after.events - before.events) / slices;
  figure({
    what: `${what}: history events for each of ${slices} slices`,
    value: perSlice.toFixed(1),
    against: 'goal ≤ 8',
    ratio: perSlice / 8,
  });

  const started = performance.now();
  await loop.executeUpdate(pauseLoopUpdate);
  const pauseMs = Math.round(performance.now() - started);
  figure({
    what: `${what}: pause`,
    value: `${pauseMs} ms`,
    against: 'goal ≤ 5000 ms',
    ratio: pauseMs / 5000,
  });
  await feed.stop();
  for (const shard of shardsOf(scoring)) await shard.terminate('the benchmark is done');
}

/** Sends an event to one partition after the other. */
function feedPartitions({ producer }: Scoring) {
  let isFeeding = true;
  const feed = async () => {
    for (let sent = 0; isFeeding; sent += 1) {
      const message = { ...profileMessage(`many-${sent % PARTITIONS}`), partition: sent % PARTITIONS };
      await producer.send({ topic: TOPIC, messages: [message] });
      await sleep(ROUND_MS / PARTITIONS);
    }
  };
  const feeding = feed();
  return {
    async stop() {
      isFeeding = false;
      await feeding;
    },
  };
}

const shardsOf = ({ temporal }: Scoring): WorkflowHandle[] =>
  Array.from({ length: shardOf(PARTITIONS - 1) + 1 }, (_, shard) =>
    temporal.workflow.getHandle(scoringLoopId(TOPIC, shard)),
  );

/** Counts the events of all shards, and the completed slices. No shard runs long enough to continue as new. */
async function countHistory(scoring: Scoring): Promise<{ events: number; slices: number }> {
  let [events, slices] = [0, 0];
  for (const shard of shardsOf(scoring)) {
    const history = (await shard.fetchHistory()).events ?? [];
    const isSlice = new Set(
      history
        .filter(
          (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'scorePartition',
        )
        .map(({ eventId }) => String(eventId)),
    );
    const completed = history.map((event) => event.activityTaskCompletedEventAttributes?.scheduledEventId);
    events += history.length;
    slices += completed.filter((id) => id != null && isSlice.has(String(id))).length;
  }
  return { events, slices };
}
