import { expect, test } from 'vitest';
import {
  configureLoopUpdate,
  loopStateQuery,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../../contract/messages.ts';
import { anyArguments, failedTasks } from '../../support/any-payload.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { scoredCount, timeSkippingLoops } from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';

const { withLoop } = timeSkippingLoops();

const partition = { partition: 0, position: 0, totals: {}, lag: null, stuck: {}, lastBatch: 7 };
const wrongStates = [
  null,
  7,
  { paused: 'yes', setBy: null, partitions: 7, partitionCount: -1 },
  {
    partitions: [null, 7, {}, { partition: '0' }, partition, { ...partition, partition: 1, position: null }],
  },
];

test.each(wrongStates)(
  'a loop that gets the state %j of another run works its partitions',
  async (carried) => {
    const topic = inMemoryTopic(2, 5);
    await withLoop(topic.activities, { group: 'g', carried } as object, async (loop) => {
      await until('all is scored', async () => (await scoredCount(loop)) === 10);
      expect(await failedTasks(loop)).toEqual([]);
    });
  },
);

test('a loop that gets positions without their group looks for its partitions', async () => {
  const carried = { partitions: [{ partition: 0, position: 3 }], partitionCount: 1 };
  await withLoop(inMemoryTopic(2, 5).activities, { carried }, async (loop) => {
    await until('all is scored', async () => (await scoredCount(loop)) === 10);
    expect(await failedTasks(loop)).toEqual([]);
  });
});

test('a loop refuses updates that are not valid, and works on', async () => {
  const topic = inMemoryTopic(1, 5);
  await withLoop(topic.activities, {}, async (loop) => {
    await until('all is scored', async () => (await scoredCount(loop)) === 5);
    for (const update of [configureLoopUpdate, seekLoopUpdate, pauseLoopUpdate, resumeLoopUpdate])
      await Promise.allSettled(
        anyArguments(10).map((args) => loop.executeUpdate(update.name, { args: args as [] })),
      );
    await Promise.allSettled(anyArguments(5).map((args) => loop.query(loopStateQuery.name, ...args)));
    // Each partition of a seek is an activity, and Temporal refuses a workflow task that starts too many of them.
    const offsets = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [index, 0]));
    await expect(loop.executeUpdate(seekLoopUpdate, { args: [{ offsets }] })).rejects.toThrow();
    topic.offsets = 9;
    await until('it works on', async () => (await scoredCount(loop)) === 9);
    expect(await failedTasks(loop)).toEqual([]);
  });
});
