import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SCORES_TOPIC } from '../../../domain/scoring/topics.ts';
import { configureLoopUpdate, pauseLoopUpdate, resumeLoopUpdate, seekLoopUpdate } from '../../../contract/messages.ts';
import { accounted, event, loopHarness, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { readTopics } from '../../support/read-topics.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(8, { latencyMs: 1 });
});
afterAll(() => harness.close());
beforeEach(async () => {
  topic = await harness.newTopic(2);
});

const send = (ids: string[]) =>
  harness.producer.send({ topic, messages: ids.map((id) => event('profiles', id)) });
const failure = (update: Promise<unknown>) =>
  update.then(
    () => 'it was accepted',
    (error: unknown) =>
      error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : String(error),
  );

describe('an operator', () => {
  test('pauses and resumes: nothing is taken while it is paused', async () => {
    await harness.withLoop(topic, async (loop) => {
      expect((await loop.executeUpdate(pauseLoopUpdate)).paused).toBe(true);
      await until('it has paused', async () => (await stateOf(loop)).state === 'paused');
      await send(['a', 'b']);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await accounted(loop)).toBe(0);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('both are accounted for', async () => (await accounted(loop)) === 2);
    });
  });

  test('changes batch size and trigger at once, though the loop waits for a far tick', async () => {
    await harness.withLoop(
      topic,
      async (loop) => {
        await send(['first']);
        await until('the first is accounted for', async () => (await accounted(loop)) === 1);
        await send(Array.from({ length: 10 }, (_, index) => `k-${index}`));
        const state = await loop.executeUpdate(configureLoopUpdate, {
          args: [{ trigger: 'available', maxOffsets: 4 }],
        });
        expect(state.settings).toEqual({ trigger: 'available', maxOffsets: 4 });
        await until('all are accounted for', async () => (await accounted(loop)) === 11);
        expect((await stateOf(loop)).batches).toBe(4);
      },
      { settings: { trigger: 3600 } },
    );
  });

  test('seeks back to a time or an offset, which scores those events again', async () => {
    await harness.withLoop(topic, async (loop) => {
      await send(['a', 'b', 'c']);
      await until('3 are accounted for', async () => (await accounted(loop)) === 3);
      await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
      await until('they are accounted for again', async () => (await accounted(loop)) === 6);
      await loop.executeUpdate(seekLoopUpdate, { args: [{ time: new Date(Date.now() - 60_000).toISOString() }] });
      await until('and again', async () => (await accounted(loop)) === 9);
    });
  });

  test('seeks also while a batch waits for something that is down: it is ended, and the loop goes on elsewhere', async () => {
    await harness.withLoop(topic, async (loop) => {
      await harness.ml.setFaults({ status: 500 });
      await send(['a', 'b', 'c']);
      await until('they are tried', async () => (await stateOf(loop)).state === 'scoring');
      await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] });
      await harness.ml.setFaults({});
      await send(['d']);
      await until('it is accounted for', async () => (await accounted(loop)) === 1);
      await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
      await until('and then all', async () => (await accounted(loop)) === 5);
      expect((await stateOf(loop)).disagreement?.behind ?? []).toEqual([]);
    });
  });

  test('is told what was wrong, and what is accepted; the loop goes on', async () => {
    await harness.withLoop(topic, async (loop) => {
      const configure = (change: object) => failure(loop.executeUpdate(configureLoopUpdate, { args: [change] }));
      expect(await configure({ maxOffsets: 0 })).toContain(
        'maxOffsets is 0, accepted is {"maxOffsets": 1 to 10000',
      );
      expect(await configure({ trigger: 'often' })).toContain('trigger is "often"');
      expect(await configure({ speed: 11 })).toContain('speed is no setting');
      const seek = (target: object) =>
        failure(loop.executeUpdate(seekLoopUpdate, { args: [target as { time: string }] }));
      expect(await seek({ time: 'yesterday' })).toContain('seek is {"time":"yesterday"}, accepted is');
      expect(await seek({ offsets: { 0: 999 } })).toContain('offset 999 of partition 0 is not there');
      expect(await seek({ offsets: { 7: 0 } })).toContain('offset 0 of partition 7 is not there');
      await send(['still-alive']);
      await until('it is accounted for', async () => (await accounted(loop)) === 1);
    });
  });
});

describe('the input topic', () => {
  test('may get more partitions: they are picked up, from their beginning', async () => {
    await harness.withLoop(topic, async (loop) => {
      await harness.admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
      // kafkajs drops messages to partitions that its metadata does not show yet, without a word.
      await until('the broker shows 4 partitions', async () => {
        const { topics } = await harness.admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.length === 4;
      });
      await harness.producer.send({
        topic,
        messages: [2, 3].map((partition) => ({ ...event('profiles', `p-${partition}`), partition })),
      });
      // More than two where the producer sent again what a partition that was just made refused.
      const written = async () => {
        const ends = await harness.admin.fetchTopicOffsets(topic);
        return ends.reduce((sum, { high }) => sum + Number(high), 0);
      };
      await until('all are accounted for', async () => (await accounted(loop)) === (await written()), 90);
      const ends = await harness.admin.fetchTopicOffsets(topic);
      const filled = ends.filter(({ high }) => Number(high) > 0).map(({ partition }) => partition);
      expect(filled.sort()).toEqual([2, 3]);
    });
  }, 120_000);

  test('may lose offsets to retention: the loop goes on, and says how many', async () => {
    await harness.withLoop(topic, async (loop) => {
      await loop.executeUpdate(pauseLoopUpdate);
      await until('it has paused', async () => (await stateOf(loop)).state === 'paused');
      const messages = Array.from({ length: 10 }, (_, index) => ({
        ...event('profiles', `r-${index}`),
        partition: 0,
      }));
      await harness.producer.send({ topic, messages });
      await harness.admin.fetchTopicOffsets(topic); // deleteTopicRecords goes by metadata that only this refreshes
      await harness.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
      await loop.executeUpdate(resumeLoopUpdate);
      await until('the rest is accounted for', async () => (await accounted(loop)) === 4);
      expect((await stateOf(loop)).totals.expired).toBe(6);
    });
  });
});

describe('Kafka', () => {
  /** As it does by itself with what a group without members committed longer ago than offsets.retention.minutes. */
  const forget = (partition: number) =>
    kafkaTool('consumer.group.ConsumerGroupCommand', [
      ...['--bootstrap-server', harness.config.KAFKA_BROKERS.join()],
      ...['--delete-offsets', '--group', harness.config.SCORING_GROUP, '--topic', `${topic}:${partition}`],
    ]);
  /** One event to each partition. */
  const sendRound = (round: number) =>
    harness.producer.send({
      topic,
      messages: [0, 1].map((partition) => ({
        ...event('profiles', `f-${round}-${partition}`),
        partition,
      })),
    });

  test('may forget where the group stands: the loop goes on where it was, and says so', async () => {
    await harness.withLoop(topic, async (loop) => {
      await sendRound(0);
      await until('both are accounted for', async () => (await accounted(loop)) === 2);
      expect(await stateOf(loop)).toMatchObject({ positions: { 0: 1, 1: 1 }, disagreement: null });

      // Of a partition where nothing happened for long, while the loop runs: its events are not scored again.
      await forget(0);
      await until('the loop noticed', async () => {
        await sendRoundTo(1);
        return (await stateOf(loop)).disagreement !== null;
      });
      expect((await stateOf(loop)).disagreement).toMatchObject({ ahead: [], behind: [], forgotten: [0] });

      // Of all of them, while it is paused: what comes meanwhile is not passed over.
      await loop.executeUpdate(pauseLoopUpdate);
      await until('it has paused', async () => (await stateOf(loop)).state === 'paused');
      await forget(0);
      await forget(1);
      await sendRound(1);
      await loop.executeUpdate(resumeLoopUpdate);
      const written = async () =>
        (await harness.admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
      await until('all are accounted for', async () => (await accounted(loop)) === (await written()));
      expect(await stateOf(loop)).toMatchObject({
        disagreement: { forgotten: [0, 1] },
        positions: { 0: 2 },
      });
    });
    const scores = await readTopics(harness.config.KAFKA_BROKERS.join(), SCORES_TOPIC);
    const keys = scores.map(({ key }) => key).filter((key) => key.startsWith('f-'));
    expect(keys.filter((key) => key.endsWith('-0')).sort()).toEqual(['f-0-0', 'f-1-0']);
  });

  const sendRoundTo = (partition: number) =>
    harness.producer.send({ topic, messages: [{ ...event('profiles', `f-more-${partition}`), partition }] });

  test('may be set back by hand: the loop follows, and says so', async () => {
    await harness.withLoop(topic, async (loop) => {
      await sendRound(0);
      await until('both are accounted for', async () => (await accounted(loop)) === 2);
      await loop.executeUpdate(pauseLoopUpdate);
      await until('it has paused', async () => (await stateOf(loop)).state === 'paused');
      await kafkaTool('consumer.group.ConsumerGroupCommand', [
        ...['--bootstrap-server', harness.config.KAFKA_BROKERS.join()],
        ...['--group', harness.config.SCORING_GROUP, '--topic', `${topic}:1`],
        ...['--reset-offsets', '--to-earliest', '--execute'],
      ]);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('one is accounted for again', async () => (await accounted(loop)) === 3);
      expect((await stateOf(loop)).disagreement).toMatchObject({ ahead: [], behind: [1], forgotten: [] });
    });
  });
});
