import { readFile } from 'node:fs/promises';
import { Client, Connection, WorkflowIdConflictPolicy } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAwaitShardUpdate } from '../../../activities/scoring/await-shard-update.ts';
import { createSendShardUpdate } from '../../../activities/scoring/send-shard-update.ts';
import { startScoringLoops } from '../../../clients/temporal/start-scoring-loops.ts';
import { configureLoopUpdate } from '../../../contract/messages.ts';
import { LOOP_VERSION, loopOptions } from '../../../contract/scoring-loop.ts';
import { SCORING_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { scoringLoopId } from '../../../contract/workflow-ids.ts';
import { PROFILES_TOPIC } from '../../../domain/scoring/topics.ts';
import type { scoringLoop } from '../../../workflows/scoring/scoring-loop.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import '../../support/terminate-open-workflows.ts';
import { testEngines } from '../../support/test-engines.ts';
import { loopState } from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';
import { withWorker } from '../../support/worker.ts';

let connection: Connection;
let temporal: Client;
beforeAll(async () => {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = testEngines();
  connection = await Connection.connect({ address });
  temporal = new Client({ connection, namespace });
});
afterAll(() => connection.close());

const OLD = { version: 1 };

test('a worker of a newer version replaces the loops of all shards; they stay paused, with their settings and positions', async () => {
  const topic = inMemoryTopic(33, 5);
  topic.committed.fill(3);
  const activities = {
    ...topic.activities,
    sendShardUpdate: createSendShardUpdate({ temporal }),
    awaitShardUpdate: createAwaitShardUpdate({ temporal }),
  };
  await withWorker(SCORING_TASK_QUEUE, activities, async () => {
    const loops = await Promise.all(
      [1, 0].map((shard) =>
        temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
          workflowId: scoringLoopId(PROFILES_TOPIC, shard),
          taskQueue: SCORING_TASK_QUEUE,
          args: [{ topic: PROFILES_TOPIC, shard, settings: { maxOffsets: 5 }, carried: { paused: true } }],
          memo: OLD,
        }),
      ),
    );
    await until('both know their partitions', async () =>
      (await Promise.all(loops.map(loopState))).every(({ partitionCount }) => partitionCount === 33),
    );
    await loops[1]?.executeUpdate(configureLoopUpdate, { args: [{ trigger: 3, by: 'ana' }] });
    topic.committed.fill(99); // Kafka has forgotten the positions

    const stop = new AbortController();
    await startScoringLoops(
      temporal,
      { by: 'a worker' },
      {
        signal: stop.signal,
        onError: () => stop.abort(),
      },
    );
    for (const { workflowId, firstExecutionRunId } of loops) {
      const loop = temporal.workflow.getHandle<typeof scoringLoop>(workflowId);
      const { runId, memo } = await loop.describe();
      expect(runId).not.toBe(firstExecutionRunId);
      expect(memo?.['version']).toBeGreaterThan(OLD.version);
      const state = await loopState(loop);
      expect(state).toMatchObject({
        state: 'paused',
        settings: { maxOffsets: 5, trigger: 3 },
        setBy: { trigger: { by: 'ana' } },
      });
      expect(new Set(state.partitions.map(({ position }) => position))).toEqual(new Set([3]));
    }
    expect(stop.signal.aborted).toBe(false);
  });
});

test('a loop that was started before any worker keeps its input', async () => {
  const { activities } = inMemoryTopic(1, 5);
  const loop = await temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
    workflowId: scoringLoopId(PROFILES_TOPIC),
    taskQueue: SCORING_TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.TERMINATE_EXISTING, // that of another test
    args: [{ topic: PROFILES_TOPIC, settings: { maxOffsets: 5 }, carried: { paused: true } }],
  });
  const stop = new AbortController();
  // It looks at the loop before the worker serves.
  const starting = startScoringLoops(
    temporal,
    { by: 'a worker' },
    { signal: stop.signal, onError: () => stop.abort() },
  );
  await withWorker(SCORING_TASK_QUEUE, activities, async () => {
    await starting;
    expect(stop.signal.aborted).toBe(false);
    expect(await loopState(temporal.workflow.getHandle<typeof scoringLoop>(loop.workflowId))).toMatchObject({
      state: 'paused',
      settings: { maxOffsets: 5 },
    });
  });
});

test('a worker of an older version leaves the loop of a newer version to a worker of that version', async () => {
  const { activities } = inMemoryTopic(1, 5);
  const code = await readFile(testEngines().WORKFLOW_BUNDLE, 'utf8');
  const olderCode = code.replace(`LOOP_VERSION = ${LOOP_VERSION};`, `LOOP_VERSION = ${LOOP_VERSION - 1};`);
  expect(olderCode).not.toBe(code);
  const loop = await temporal.workflow.start<typeof scoringLoop>('scoringLoop', {
    ...loopOptions({ topic: 'upgraded' }),
    taskQueue: SCORING_TASK_QUEUE,
  });
  const attempts = async () => (await loop.describe()).raw.pendingWorkflowTask?.attempt ?? 0;
  const older = { identity: 'older', workflowBundle: { code: olderCode } };
  const tried = () => until('the older worker has tried it', async () => (await attempts()) > 1);
  await withWorker(SCORING_TASK_QUEUE, activities, tried, older);

  const found = () => until('it works', async () => (await loopState(loop)).partitionCount === 1);
  await withWorker(SCORING_TASK_QUEUE, activities, found, { identity: 'newer' });
  const { events } = await loop.fetchHistory();
  const workers = (events ?? []).flatMap(
    ({ workflowTaskCompletedEventAttributes: completed }) => completed?.identity ?? [],
  );
  expect(new Set(workers)).toEqual(new Set(['newer']));
});
