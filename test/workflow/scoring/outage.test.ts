import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { configureLoopUpdate, seekLoopUpdate } from '../../../contract/messages.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { failureOf, loopState, withTimeSkippingLoop } from '../../support/time-skipping-loop.ts';
import { timeSkippingServer } from '../../support/time-skipping.ts';
import { until } from '../../support/until.ts';

// A server of its own: an activity of a terminated workflow holds back the time of its server.
let env: TestWorkflowEnvironment;
beforeAll(async () => {
  env = await timeSkippingServer();
});
afterAll(() => env.teardown());

test('an operator gets an answer within a minute while Kafka is down, also to updates that wait for each other', async () => {
  const topic = inMemoryTopic(1, 5);
  let isDown = false;
  const ifUp = <T>(work: () => Promise<T>) => (isDown ? Promise.reject(new Error('Kafka is down')) : work());
  const activities: ScoringActivities = {
    ...topic.activities,
    startPartitions: (args) => ifUp(() => topic.activities.startPartitions(args)),
    seekPartitions: (args) => ifUp(() => topic.activities.seekPartitions(args)),
  };
  const input = { group: 'first', settings: { sliceSeconds: 600 } };
  await withTimeSkippingLoop(env, activities, input, async (loop) => {
    await until('it works', () => Promise.resolve(topic.committed[0] === 5));
    isDown = true;
    const seek = () => failureOf(loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] }));
    expect(await seek()).toBe('Kafka is down');
    const sentAtMs = await env.currentTimeMs();
    const group = failureOf(loop.executeUpdate(configureLoopUpdate, { args: [{ group: 'second' }] }));
    await until('the loop has the group', async () => (await loopState(loop)).group === 'second');
    const answers = Promise.all([group, seek(), seek()]);
    let answeredAtMs = Infinity;
    void answers.then(async () => (answeredAtMs = await env.currentTimeMs()));
    await env.sleep('56 seconds');
    expect(await answers).toEqual([
      expect.stringContaining('the group is set') as string,
      expect.stringContaining('nothing was done') as string,
      expect.stringContaining('nothing was done') as string,
    ]);
    await until('the time is known', () => Promise.resolve(answeredAtMs < Infinity));
    expect(answeredAtMs - sentAtMs).toBeLessThan(60_000);
    expect((await loopState(loop)).state).toBe('moving');
    topic.committed[0] = 2;
    isDown = false;
    await env.sleep('20 seconds');
    await until('it works in the new group', () => Promise.resolve(topic.committed[0] === 5));
    expect(topic.slices.at(-1)).toMatchObject({ group: 'second', state: { position: 2 } });
  });
});
