import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { WorkflowUpdateStage } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import type { ScoringActivities } from '../../../activities/index.ts';
import {
  configureLoopUpdate,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../../contract/messages.ts';
import type { LoopChange } from '../../../contract/scoring-loop.ts';
import { inMemoryTopic } from '../../support/in-memory-topic.ts';
import { failureOf, loopState, scoredCount, timeSkippingLoops } from '../../support/time-skipping-loop.ts';
import { until } from '../../support/until.ts';

const { withLoop } = timeSkippingLoops();

describe('the scoring loop', () => {
  test('works each partition slice after slice, one at a time, and adds up their reports', async () => {
    const topic = inMemoryTopic(3, 10);
    await withLoop(topic.activities, {}, async (loop) => {
      await until('30 events are counted', async () => (await scoredCount(loop)) === 30);
      topic.offsets = 15;
      await until('45 events are counted', async () => (await scoredCount(loop)) === 45);
      const { partitions } = await loopState(loop);
      expect(partitions.map(({ position }) => position)).toEqual([15, 15, 15]);
      expect(new Set(topic.slices.map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]));
    });
    const lengths = topic.slices.map(({ sliceMs }) => sliceMs);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(750);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1250);
    expect(new Set(lengths).size).toBeGreaterThan(3);
  });

  test('uses the group and the settings of the worker where its input names none', async () => {
    await withLoop(inMemoryTopic(1, 1).activities, { settings: { trigger: 5 } }, async (loop) => {
      await until('it has started', async () => (await loopState(loop)).group !== null);
      expect(await loopState(loop)).toMatchObject({
        group: 'from-worker',
        settings: { maxOffsets: 7, trigger: 5 },
      });
    });
  });

  test('shows a stuck partition with the reason, and the others go on', async () => {
    const topic = inMemoryTopic(2, 5);
    topic.stuck.set(1, 'the batch is damaged');
    await withLoop(topic.activities, { settings: { sliceSeconds: 600 } }, async (loop) => {
      await until('the partition is stuck', async () => {
        const stuck = (await loopState(loop)).partitions.map((one) => one.stuck?.reason ?? null);
        return stuck[1] === 'the batch is damaged' && stuck[0] === null;
      });
      await until('the other has scored', () => Promise.resolve(topic.committed[0] === 5));
      topic.stuck.clear();
      await until('it works again', async () => (await scoredCount(loop)) >= 5 && topic.committed[1] === 5);
      await until('the state says so', async () =>
        (await loopState(loop)).partitions.every(({ stuck }) => stuck === null),
      );
    });
  });

  test('finds partitions that are added while it runs', async () => {
    const topic = inMemoryTopic(1, 5);
    await withLoop(topic.activities, { settings: { sliceSeconds: 600 } }, async (loop) => {
      await until('the first works', () => Promise.resolve(topic.running.has(0)));
      topic.partitionCount = 3;
      await until('all work', () => Promise.resolve(topic.running.size === 3));
      expect((await loopState(loop)).partitionCount).toBe(3);
    });
  });

  test('pauses: the slices end, and then the loop says paused', async () => {
    const topic = inMemoryTopic(2, 5);
    await withLoop(topic.activities, { settings: { sliceSeconds: 600 } }, async (loop) => {
      await until('both work', () => Promise.resolve(topic.running.size === 2));
      const paused = await loop.executeUpdate(pauseLoopUpdate);
      expect([paused.state, topic.running.size]).toEqual(['paused', 0]);
      topic.offsets = 9;
      await loop.executeUpdate(resumeLoopUpdate);
      await until('it works again', () => Promise.resolve(topic.committed.every((offset) => offset === 9)));
    });
  });

  test('pauses and resumes also when the workers die meanwhile', async () => {
    const topic = inMemoryTopic(2, 5);
    // Temporal does not retry a cancelled activity, so the loop gets its error or its timeout. The test server would retry it.
    const scorePartition: ScoringActivities['scorePartition'] = async (args) => {
      const report = await topic.activities.scorePartition(args);
      if (Context.current().cancellationSignal.aborted)
        throw ApplicationFailure.nonRetryable('the worker dies');
      return report;
    };
    const input = { settings: { sliceSeconds: 600 } };
    await withLoop({ ...topic.activities, scorePartition }, input, async (loop) => {
      await until('both work', () => Promise.resolve(topic.running.size === 2));
      expect((await loop.executeUpdate(pauseLoopUpdate)).state).toBe('paused');
      topic.offsets = 9;
      await loop.executeUpdate(resumeLoopUpdate);
      await until('both work again', () => Promise.resolve(topic.committed.every((offset) => offset === 9)));
      await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 5 }] });
      await until('both have the settings', () =>
        Promise.resolve(topic.slices.slice(-2).every(({ settings }) => settings.maxOffsets === 5)),
      );
    });
  });

  test('configures: the next slices have the settings, and the state says who set them', async () => {
    const topic = inMemoryTopic(1, 5);
    await withLoop(topic.activities, { settings: { sliceSeconds: 600 } }, async (loop) => {
      await until('it works', () => Promise.resolve(topic.running.size === 1));
      const change = { maxOffsets: 5, trigger: null, by: 'ana' } as unknown as LoopChange;
      const state = await loop.executeUpdate(configureLoopUpdate, { args: [change] });
      expect(state.settings).toMatchObject({ maxOffsets: 5, trigger: 10 }); // null counts as absent
      expect(state.setBy).toMatchObject({ maxOffsets: { by: 'ana' } });
      await until('the next slice has it', () =>
        Promise.resolve(topic.slices.at(-1)?.settings.maxOffsets === 5),
      );
      const slices = topic.slices.length;
      await loop.executeUpdate(configureLoopUpdate, { args: [{ maxOffsets: 5 }] });
      expect(topic.slices).toHaveLength(slices); // nothing has changed
    });
  });

  test('changes the group: the positions are those of the new group', async () => {
    const topic = inMemoryTopic(1, 5);
    const startPartitions: ScoringActivities['startPartitions'] = (args) => {
      topic.committed[0] = args.group === 'second' ? 2 : 0;
      return topic.activities.startPartitions(args);
    };
    const input = { group: 'first', settings: { sliceSeconds: 600 } };
    await withLoop({ ...topic.activities, startPartitions }, input, async (loop) => {
      await until('it works', () => Promise.resolve(topic.committed[0] === 5));
      const { group } = await loop.executeUpdate(configureLoopUpdate, { args: [{ group: 'second' }] });
      expect(group).toBe('second');
      await until('it works again', () => Promise.resolve(topic.committed[0] === 5));
      expect(topic.slices.at(-1)).toMatchObject({ group: 'second', state: { position: 2 } });
    });
  });

  test('seeks many times at once: each seek is carried out while no slice runs, and answered in order', async () => {
    const topic = inMemoryTopic(2, 5);
    const targets: unknown[] = [];
    let seeking = 0;
    const meanwhile: [seeks: number, slices: number][] = [];
    const seekPartition: ScoringActivities['seekPartition'] = async (args) => {
      targets.push(args.target);
      seeking += 1;
      await sleep(100);
      meanwhile.push([seeking, topic.running.size]);
      seeking -= 1;
      return topic.activities.seekPartition(args);
    };
    const input = { settings: { sliceSeconds: 600 } };
    await withLoop({ ...topic.activities, seekPartition }, input, async (loop) => {
      await until('both work', () => Promise.resolve(topic.running.size === 2));
      const wanted = [1, 2, 3, 4, 5].map((offset) => ({ offsets: { 0: offset } }));
      const sent = [];
      for (const [index, target] of wanted.entries())
        sent.push(
          await loop.startUpdate(seekLoopUpdate, {
            args: [target],
            updateId: `seek-${index}`,
            waitForStage: WorkflowUpdateStage.ACCEPTED,
          }),
        );
      await Promise.all(sent.map((update) => update.result()));
      expect(targets).toEqual(wanted);
      expect(meanwhile).toEqual(wanted.map(() => [1, 0]));
      const { events } = await loop.fetchHistory();
      const answered = (events ?? []).flatMap(
        ({ workflowExecutionUpdateCompletedEventAttributes: completed }) => completed?.meta?.updateId ?? [],
      );
      expect(answered).toEqual(['seek-0', 'seek-1', 'seek-2', 'seek-3', 'seek-4']);
      await until('they are scored again', () => Promise.resolve(topic.committed.every((one) => one === 5)));
    });
  });

  test('gets the reason when a seek fails, and the loop continues', async () => {
    const topic = inMemoryTopic(1, 5);
    const seekPartition: ScoringActivities['seekPartition'] = () => {
      throw ApplicationFailure.nonRetryable('Kafka says no');
    };
    await withLoop({ ...topic.activities, seekPartition }, {}, async (loop) => {
      await until('it works', () => Promise.resolve(topic.running.size === 1));
      const failed = loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] });
      expect(await failureOf(failed)).toBe('partition 0 was not moved: Kafka says no');
      topic.offsets = 6;
      await until('it works', () => Promise.resolve(topic.committed[0] === 6));
    });
  });

  test('sees which partitions a failed seek has moved, and why the others were not', async () => {
    const topic = inMemoryTopic(4, 5);
    const seekPartition: ScoringActivities['seekPartition'] = ({ partition }) => {
      if (partition === 1) return Promise.resolve(3);
      throw ApplicationFailure.nonRetryable(partition === 3 ? 'no leader' : 'no answer');
    };
    await withLoop({ ...topic.activities, seekPartition }, {}, async (loop) => {
      await until('all is scored', async () => (await scoredCount(loop)) === 20);
      await loop.executeUpdate(pauseLoopUpdate);
      expect(await failureOf(loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] }))).toBe(
        'partitions 0, 2 were not moved: no answer; partition 3 was not moved: no leader; partition 1 was moved',
      );
      expect((await loopState(loop)).partitions.map(({ position }) => position)).toEqual([5, 3, 5, 5]);
    });
  });

  test('names a partition that the topic does not have in a seek to offsets, and the others are moved', async () => {
    const topic = inMemoryTopic(2, 5);
    const seekPartition: ScoringActivities['seekPartition'] = ({ partition }) => {
      if (partition < 2) return Promise.resolve(3);
      throw ApplicationFailure.nonRetryable('it does not exist');
    };
    await withLoop({ ...topic.activities, seekPartition }, {}, async (loop) => {
      const target = { offsets: { 1: 3, 40: 0 } };
      expect(await failureOf(loop.executeUpdate(seekLoopUpdate, { args: [target] }))).toBe(
        'partition 40 was not moved: it does not exist; partition 1 was moved',
      );
    });
  });

  test('finds a paused loop paused after continue-as-new', async () => {
    const topic = inMemoryTopic(1, 5);
    const carried = { paused: true, setBy: {}, partitions: [], partitionCount: 0 };
    await withLoop(topic.activities, { carried }, async (loop) => {
      await until('it has found its partition', async () => (await loopState(loop)).partitionCount === 1);
      expect((await loopState(loop)).state).toBe('paused');
      expect(topic.slices).toEqual([]);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('it works', () => Promise.resolve(topic.committed[0] === 5));
    });
  });
});
