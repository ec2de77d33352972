import { ApplicationFailure } from '@temporalio/activity';
import { describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import { configureLoopUpdate } from '../../../contract/messages.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { loopState, timeSkippingLoops, type TimeSkippingLoop } from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';

const { withLoop } = timeSkippingLoops();

/** How the loop is listed in the UI. */
const searchState = async (loop: TimeSkippingLoop) =>
  (await loop.describe()).searchAttributes['KolLoopState'];

describe('a scoring loop whose partitions change', () => {
  test('works the partitions that could be started, shows the others as stuck, and starts them later', async () => {
    const topic = inMemoryTopic(3, 5);
    let isLeaderless = true;
    const startPartitions: ScoringActivities['startPartitions'] = async (args) => {
      const started = await topic.activities.startPartitions(args);
      const { 1: _, ...positions } = started.positions;
      const unstarted = [{ partition: 1, reason: 'no leader' }];
      return isLeaderless ? { ...started, positions, unstarted } : started;
    };
    const input = { group: 'first', settings: { sliceSeconds: 600 } };
    await withLoop({ ...topic.activities, startPartitions }, input, async (loop) => {
      await until('the others work', () => Promise.resolve(topic.running.size === 2));
      expect(await loopState(loop)).toMatchObject({
        state: 'running',
        unstarted: [{ partition: 1, reason: 'no leader' }],
      });
      expect(await searchState(loop)).toEqual(['stuck']);
      const changed = await loop.executeUpdate(configureLoopUpdate, { args: [{ group: 'second' }] });
      expect([changed.state, [...topic.running].includes(1)]).toEqual(['running', false]);
      isLeaderless = false;
      await until('all work', () => Promise.resolve(topic.running.size === 3));
      await until('it is not stuck', async () => (await searchState(loop))?.[0] === 'running');
      expect((await loopState(loop)).unstarted).toEqual([]);
    });
  });

  test('fails as usual while it looks for added partitions in vain', async () => {
    const topic = inMemoryTopic(1, 5);
    let breaks = false;
    const activities: ScoringActivities = {
      ...topic.activities,
      startPartitions: (args) =>
        topic.partitionCount > 1
          ? Promise.reject(new Error('a partition has no leader'))
          : topic.activities.startPartitions(args),
      scorePartition: (args) =>
        breaks
          ? Promise.reject(ApplicationFailure.nonRetryable('broken'))
          : topic.activities.scorePartition(args),
    };
    await withLoop(activities, {}, async (loop) => {
      await until('it works', () => Promise.resolve(topic.committed[0] === 5));
      topic.partitionCount = 2;
      await until('it looks for the other', () => Promise.resolve(topic.slices.at(-1)?.state.position === 5));
      breaks = true;
      await until('it has failed', async () => (await loop.describe()).status.name === 'FAILED');
    });
  });

  test('drops the partitions that a topic lost when it was created again, and works them when they come back', async () => {
    const topic = inMemoryTopic(4, 5);
    await withLoop(topic.activities, { group: 'first', settings: { sliceSeconds: 600 } }, async (loop) => {
      const numbers = async () => (await loopState(loop)).partitions.map(({ partition }) => partition);
      await until('all work', () => Promise.resolve(topic.running.size === 4));
      topic.partitionCount = 2;
      await until('two are left', async () => (await numbers()).length === 2);
      expect((await loopState(loop)).partitions.map(({ stuck }) => stuck)).toEqual([null, null]);
      await loop.executeUpdate(configureLoopUpdate, { args: [{ group: 'second' }] });
      expect(await numbers()).toEqual([0, 1]);
      topic.partitionCount = 3;
      await until('the third works', () => Promise.resolve(topic.running.has(2)));
      expect(await numbers()).toEqual([0, 1, 2]);
    });
  });
});
