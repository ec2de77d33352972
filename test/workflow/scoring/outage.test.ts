import { expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { configureLoopUpdate, seekLoopUpdate } from '../../../contract/messages.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import {
  failureOf,
  loopState,
  timeSkippingLoops,
  type TimeSkippingLoop,
} from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';

// A server of its own: an activity of a terminated workflow holds back the time of its server.
const { server, withLoop } = timeSkippingLoops();

/** How long each answered update took. By its history, because the time of the server skips on after an answer. */
async function secondsOfUpdates(loop: TimeSkippingLoop): Promise<number[]> {
  const acceptedAt = new Map<unknown, number>();
  const seconds: number[] = [];
  for (const { eventTime, ...event } of (await loop.fetchHistory()).events ?? []) {
    const { workflowExecutionUpdateAcceptedEventAttributes: accepted } = event;
    const { workflowExecutionUpdateCompletedEventAttributes: completed } = event;
    const at = Number(eventTime?.seconds);
    if (accepted) acceptedAt.set(accepted.protocolInstanceId, at);
    if (completed) seconds.push(at - (acceptedAt.get(completed.meta?.updateId) ?? NaN));
  }
  return seconds;
}

test('an operator gets an answer within a minute while Kafka is down, also to updates that wait for each other', async () => {
  const topic = inMemoryTopic(1, 5);
  let isDown = false;
  const ifUp = <T>(work: () => Promise<T>) => (isDown ? Promise.reject(new Error('Kafka is down')) : work());
  const activities: ScoringActivities = {
    ...topic.activities,
    startPartitions: (args) => ifUp(() => topic.activities.startPartitions(args)),
    seekPartition: (args) => ifUp(() => topic.activities.seekPartition(args)),
  };
  const input = { group: 'first', settings: { sliceSeconds: 600 } };
  await withLoop(activities, input, async (loop) => {
    await until('it works', () => Promise.resolve(topic.committed[0] === 5));
    isDown = true;
    const seek = () => failureOf(loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] }));
    expect(await seek()).toBe('partition 0 was not moved: Kafka is down');
    const group = failureOf(loop.executeUpdate(configureLoopUpdate, { args: [{ group: 'second' }] }));
    await until('the loop has the group', async () => (await loopState(loop)).group === 'second');
    const answers = Promise.all([group, seek(), seek()]);
    await server().sleep('56 seconds');
    expect(await answers).toEqual([
      expect.stringContaining('the group is set') as string,
      expect.stringContaining('nothing was done') as string,
      expect.stringContaining('nothing was done') as string,
    ]);
    const seconds = await secondsOfUpdates(loop);
    expect(seconds).toHaveLength(4);
    expect(Math.max(...seconds)).toBeLessThan(60);
    expect((await loopState(loop)).state).toBe('moving');
    topic.committed[0] = 2;
    isDown = false;
    await server().sleep('20 seconds');
    await until('it works in the new group', () => Promise.resolve(topic.committed[0] === 5));
    expect(topic.slices.at(-1)).toMatchObject({ group: 'second', state: { position: 2 } });
  });
});
