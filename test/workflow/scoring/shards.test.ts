import { ApplicationFailure } from '@temporalio/activity';
import { WorkflowUpdateStage } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { createAwaitShardUpdate } from '../../../activities/scoring/await-shard-update.ts';
import { createSendShardUpdate } from '../../../activities/scoring/send-shard-update.ts';
import {
  configureLoopUpdate,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../../contract/messages.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { failureOf, loopState, timeSkippingLoops } from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';
import type { scoringLoop } from '../../../workflows/scoring/scoring-loop.ts';

const { server, withLoop } = timeSkippingLoops();

/** The test server, unlike Temporal, fails when one of many slices ends while it is cancelled. */
const LONG_SLICES = { sliceSeconds: 600 };

/** The activities that steer the loops of other shards in earnest. */
const steering = () => ({
  sendShardUpdate: createSendShardUpdate({ temporal: server().client }),
  awaitShardUpdate: createAwaitShardUpdate({ temporal: server().client }),
});

test('the loop of a shard ends when its partitions are gone, and is started when they come back', async () => {
  const topic = inMemoryTopic(33, 1);
  await withLoop(topic.activities, { topic: 'shrinks' }, async (loop) => {
    const shard = server().client.workflow.getHandle('scoring-loop/shrinks/1');
    await until('all work', () => Promise.resolve(topic.running.size === 33));
    topic.partitionCount = 1;
    await until('the other loop has ended', async () => (await shard.describe()).status.name === 'COMPLETED');
    await until('the first loop knows it', async () => (await loopState(loop)).shards.length === 0);
    topic.partitionCount = 33;
    await until('all work again', () => Promise.resolve(topic.running.size === 33));
    await shard.terminate();
  });
});

test('the loop of a shard that finds none of its partitions asks again before it ends', async () => {
  const topic = inMemoryTopic(33, 1);
  let looks = 0;
  const startPartitions: ScoringActivities['startPartitions'] = async (args) => {
    const started = await topic.activities.startPartitions(args);
    if (args.shard === 0) return started;
    looks += 1;
    return looks > 2 ? started : { ...started, positions: {}, partitionCount: 32 }; // an old view of the topic
  };
  const input = { topic: 'old-view', settings: LONG_SLICES };
  await withLoop({ ...topic.activities, startPartitions }, input, async () => {
    await until('all work', () => Promise.resolve(topic.running.size === 33));
    await server().client.workflow.getHandle('scoring-loop/old-view/1').terminate();
  });
});

test('a loop works the partitions of its shard only, and the first one starts the others', async () => {
  const topic = inMemoryTopic(70, 1);
  await withLoop(topic.activities, { topic: 'wide', settings: LONG_SLICES }, async (loop) => {
    await until('all 70 partitions work', () => Promise.resolve(topic.running.size === 70));
    const { partitions, shards } = await loopState(loop);
    expect(partitions).toHaveLength(32);
    expect(shards).toEqual(['scoring-loop/wide/1', 'scoring-loop/wide/2']);
    const last = server().client.workflow.getHandle<typeof scoringLoop>('scoring-loop/wide/2');
    expect((await loopState(last)).partitions.map(({ partition }) => partition)).toEqual([
      64, 65, 66, 67, 68, 69,
    ]);
    await loop.executeUpdate(pauseLoopUpdate);
    const pause = { name: 'pause', args: [] };
    expect(topic.steered.toSorted((a, b) => a.workflowId.localeCompare(b.workflowId))).toMatchObject(
      shards.map((workflowId) => ({ workflowId, update: pause })),
    );
    await Promise.all(shards.map((id) => server().client.workflow.getHandle(id).terminate()));
  });
});

test('the loop of a shard that was terminated is started again before it is steered', async () => {
  const topic = inMemoryTopic(33, 1);
  const input = { topic: 'ended', settings: LONG_SLICES };
  await withLoop({ ...topic.activities, ...steering() }, input, async (loop) => {
    await until('all 33 partitions work', () => Promise.resolve(topic.running.size === 33));
    const shard = server().client.workflow.getHandle<typeof scoringLoop>('scoring-loop/ended/1');
    await shard.terminate();
    topic.running.delete(32); // its slice has no loop any more
    await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 5 }] });
    const state = await loopState(shard);
    expect(state.settings.maxOffsets).toBe(5);
    await until('its partition has another slice', () =>
      Promise.resolve(topic.slices.filter(({ partition }) => partition === 32).length === 2),
    );
    await shard.terminate();
  });
});

test('an update that comes before the partitions are known reaches the loops of the other shards', async () => {
  const topic = inMemoryTopic(33, 1);
  let isAsked = false;
  let answer = () => {};
  const canAnswer = new Promise<void>((resolve) => (answer = resolve));
  const startPartitions: ScoringActivities['startPartitions'] = async (args) => {
    isAsked = true;
    await canAnswer;
    return topic.activities.startPartitions(args);
  };
  const input = { topic: 'early', settings: LONG_SLICES };
  await withLoop({ ...topic.activities, startPartitions }, input, async (loop) => {
    await until('it looks for its partitions', () => Promise.resolve(isAsked));
    const configured = loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 5 }] });
    await until('it has the setting', async () => (await loopState(loop)).settings.maxOffsets === 5);
    answer();
    await configured;
    expect(topic.steered.map(({ workflowId }) => workflowId)).toEqual(['scoring-loop/early/1']);
    await server().client.workflow.getHandle('scoring-loop/early/1').terminate();
  });
});

test('a resume does not overtake the pause before it on the way to another loop', async () => {
  const topic = inMemoryTopic(33, 1);
  const { sendShardUpdate: send, awaitShardUpdate } = steering();
  let deliver = () => {};
  const canDeliver = new Promise<void>((resolve) => (deliver = resolve));
  const sendShardUpdate: ScoringActivities['sendShardUpdate'] = async (args) => {
    if (args.update.name === 'pause') await canDeliver;
    return send(args);
  };
  const input = { topic: 'in-order', settings: LONG_SLICES };
  await withLoop({ ...topic.activities, sendShardUpdate, awaitShardUpdate }, input, async (loop) => {
    const shard = server().client.workflow.getHandle<typeof scoringLoop>('scoring-loop/in-order/1');
    await until('all 33 partitions work', () => Promise.resolve(topic.running.size === 33));
    const accepted = { waitForStage: WorkflowUpdateStage.ACCEPTED } as const;
    const paused = await loop.startUpdate(pauseLoopUpdate, accepted);
    await until('the first loop is paused', () => Promise.resolve(topic.running.size === 1));
    const resumed = await loop.startUpdate(resumeLoopUpdate, accepted);
    await until('the first loop works again', () => Promise.resolve(topic.running.size === 33));
    deliver();
    await Promise.all([paused.result(), resumed.result()]);
    expect((await loopState(shard)).state).toBe('running');
    await shard.terminate();
  });
});

test('a shard gets an update under one id, however often the attempt is repeated', async () => {
  const topic = inMemoryTopic(33, 1);
  const sendShardUpdate: ScoringActivities['sendShardUpdate'] = async (args) => {
    const run = await topic.activities.sendShardUpdate(args);
    if (topic.steered.length === 1) throw new Error('the answer was lost');
    return run;
  };
  await withLoop(
    { ...topic.activities, sendShardUpdate },
    { topic: 'lossy', settings: LONG_SLICES },
    async (loop) => {
      await until('its other loop is known', async () => (await loopState(loop)).shards.length === 1);
      await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }], updateId: 'seek-1' });
      expect(topic.steered.map(({ updateId }) => updateId)).toEqual(['seek-1', 'seek-1']);
      await server().client.workflow.getHandle('scoring-loop/lossy/1').terminate();
    },
  );
});

test('an operator sees what became of a seek in each loop of the topic', async () => {
  const topic = inMemoryTopic(70, 1);
  const awaitShardUpdate: ScoringActivities['awaitShardUpdate'] = ({ workflowId }) =>
    workflowId.endsWith('/1')
      ? Promise.reject(ApplicationFailure.nonRetryable('partition 40 was not moved: no'))
      : Promise.resolve();
  await withLoop(
    { ...topic.activities, awaitShardUpdate },
    { topic: 'parts', settings: LONG_SLICES },
    async (loop) => {
      await until('the other loops are known', async () => (await loopState(loop)).shards.length === 2);
      expect(await failureOf(loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] }))).toBe(
        'scoring-loop/parts/1: partition 40 was not moved: no; scoring-loop/parts: done; scoring-loop/parts/2: done',
      );
      const others = [1, 2].map((shard) => server().client.workflow.getHandle(`scoring-loop/parts/${shard}`));
      await Promise.all(others.map((other) => other.terminate()));
    },
  );
});
