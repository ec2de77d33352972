import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCORES_TOPIC } from '../../../domain/scoring/output-record.ts';
import {
  configureLoopUpdate,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../../contract/messages.ts';
import {
  outcomeCount,
  event,
  loopHarness,
  stateOf,
  type LoopHandle,
  type LoopHarness,
} from '../../support/loop-harness.ts';
import { kafkaTool } from '../../support/kafka-tool.ts';
import { readTopics } from '../../support/read-topics.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
beforeAll(async () => {
  harness = await loopHarness(8, { latencyMs: 1 });
});
afterAll(() => harness.close());
/** Each test has a topic and a loop of its own. The tests run at the same time, because a loop waits most of the time. */
const loopTest = test.extend('topic', () => harness.newTopic(2));

const send = (topic: string, ids: string[]) =>
  harness.producer.send({ topic, messages: ids.map((id) => event('profiles', id)) });
const failure = (update: Promise<unknown>) =>
  update.then(
    () => 'the update was accepted',
    (error: unknown) =>
      error instanceof WorkflowUpdateFailedError ? String(error.cause?.message) : String(error),
  );

describe.concurrent('an operator', () => {
  loopTest('pauses and resumes the loop; it scores nothing while it is paused', async ({ topic }) => {
    await harness.withLoop(topic, async (loop) => {
      expect((await loop.executeUpdate(pauseLoopUpdate)).state).toBe('paused');
      await send(topic, ['a', 'b']);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await outcomeCount(loop)).toBe(0);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('both have an outcome', async () => (await outcomeCount(loop)) === 2);
    });
  });

  loopTest(
    'changes batch size and trigger immediately, also while the loop waits for a distant tick',
    async ({ topic }) => {
      await harness.withLoop(
        topic,
        async (loop) => {
          const first = [0, 1].map((partition) => ({
            ...event('profiles', `first-${partition}`),
            partition,
          }));
          await harness.producer.send({ topic, messages: first });
          await until('both have an outcome', async () => (await outcomeCount(loop)) === 2);
          await send(
            topic,
            Array.from({ length: 10 }, (_, index) => `k-${index}`),
          );
          const state = await loop.executeUpdate(configureLoopUpdate, {
            args: [{ trigger: 'available', maxOffsets: 4 }],
          });
          expect(state.settings).toMatchObject({ trigger: 'available', maxOffsets: 4 });
          await until('all have an outcome', async () => (await outcomeCount(loop)) === 12);
          const { totals, partitions } = await stateOf(loop);
          const least = partitions.map(({ position }) => Math.ceil(position / 4));
          expect(totals.batches).toBeGreaterThanOrEqual(least.reduce((sum, batches) => sum + batches, 0));
        },
        { settings: { trigger: 3600 } },
      );
    },
  );

  loopTest('seeks back to the beginning or to a time, which scores these events again', async ({ topic }) => {
    await harness.withLoop(topic, async (loop) => {
      await send(topic, ['a', 'b', 'c']);
      await until('3 have an outcome', async () => (await outcomeCount(loop)) === 3);
      await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
      await until('they have an outcome again', async () => (await outcomeCount(loop)) === 6);
      await loop.executeUpdate(seekLoopUpdate, {
        args: [{ time: new Date(Date.now() - 60_000).toISOString() }],
      });
      await until('they have an outcome a third time', async () => (await outcomeCount(loop)) === 9);
    });
  });

  loopTest('gets an error that names what is accepted, and the loop continues', async ({ topic }) => {
    await harness.withLoop(topic, async (loop) => {
      const configure = (change: object) =>
        failure(loop.executeUpdate(configureLoopUpdate, { args: [change] }));
      expect(await configure({ maxOffsets: 0 })).toContain(
        'maxOffsets = 0 is not valid: accepted is a whole number from 1 to 10000',
      );
      expect(await configure({ trigger: 'often' })).toContain('trigger = "often" is not valid');
      expect(await configure({ speed: 11 })).toContain(
        'speed = 11 is not valid: accepted is only the fields maxOffsets, trigger, lateEvents, sliceSeconds',
      );
      const seek = (target: object) =>
        failure(loop.executeUpdate(seekLoopUpdate, { args: [target as { time: string }] }));
      expect(await seek({ time: 'yesterday' })).toContain(
        'seek = {"time":"yesterday"} is not valid: accepted is {"time"',
      );
      expect(await seek({ offsets: { 0: 999 } })).toContain('offset 999 of partition 0 does not exist');
      expect(await seek({ offsets: { 7: 0 } })).toContain('offset 0 of partition 7 does not exist');
      await send(topic, ['still-alive']);
      await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
    });
  });
});

describe.concurrent('the input topic', () => {
  loopTest(
    'may get new partitions: the loop reads them from their beginning',
    async ({ topic }) => {
      await harness.withLoop(topic, (loop) =>
        harness.withAdmin(async (admin) => {
          await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
          // kafkajs silently drops messages to partitions that its metadata does not have yet.
          await until('the broker shows 4 partitions', async () => {
            const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
            return topics[0]?.partitions.length === 4;
          });
          await harness.producer.send({
            topic,
            messages: [2, 3].map((partition) => ({ ...event('profiles', `p-${partition}`), partition })),
          });
          // There are more than two when the producer retried a send that a new partition had refused.
          const written = async () => {
            const ends = await admin.fetchTopicOffsets(topic);
            return ends.reduce((sum, { high }) => sum + Number(high), 0);
          };
          await until(
            'all have an outcome',
            async () => (await outcomeCount(loop)) === (await written()),
            90,
          );
          const ends = await admin.fetchTopicOffsets(topic);
          const filled = ends.filter(({ high }) => Number(high) > 0).map(({ partition }) => partition);
          expect(filled.sort()).toEqual([2, 3]);
        }),
      );
    },
    120_000,
  );

  loopTest(
    'may lose offsets to retention: the loop continues and counts them as expired',
    async ({ topic }) => {
      await harness.withLoop(topic, async (loop) => {
        await loop.executeUpdate(pauseLoopUpdate);
        const messages = Array.from({ length: 10 }, (_, index) => ({
          ...event('profiles', `r-${index}`),
          partition: 0,
        }));
        await harness.producer.send({ topic, messages });
        await harness.admin.fetchTopicOffsets(topic); // refreshes the metadata that deleteTopicRecords uses
        await harness.admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
        await loop.executeUpdate(resumeLoopUpdate);
        await until('the rest has an outcome', async () => (await outcomeCount(loop)) === 4);
        expect((await stateOf(loop)).totals.expired).toBe(6);
      });
    },
  );
});

describe.concurrent('the committed offset in Kafka', () => {
  /** Deletes it, as Kafka does for a group without members after offsets.retention.minutes. */
  const deleteOffset = (topic: string, partition: number) =>
    kafkaTool('consumer.group.ConsumerGroupCommand', [
      ...['--bootstrap-server', harness.config.KAFKA_BROKERS.join()],
      ...['--delete-offsets', '--group', harness.config.SCORING_GROUP, '--topic', `${topic}:${partition}`],
    ]);
  /** One event to each partition. */
  const sendRound = (topic: string, round: number, sentMs = Date.now()) =>
    harness.producer.send({
      topic,
      messages: [0, 1].map((partition) => ({
        ...event('profiles', `${topic}-${round}-${partition}`, {
          event_time: new Date(sentMs).toISOString(),
        }),
        partition,
        timestamp: String(sentMs),
      })),
    });

  const differencesOf = async (loop: LoopHandle) =>
    (await stateOf(loop)).partitions.map(({ disagreement }) => disagreement?.kind ?? null);

  loopTest(
    'may be lost: the loop continues from the offset that it knows, and reports the loss',
    async ({ topic }) => {
      await harness.withLoop(topic, async (loop) => {
        await sendRound(topic, 0);
        await until('both have an outcome', async () => (await outcomeCount(loop)) === 2);
        expect((await stateOf(loop)).partitions.map(({ position }) => position)).toEqual([1, 1]);
        expect(await differencesOf(loop)).toEqual([null, null]);
        // Events that arrive while the loop is paused are not skipped.
        await loop.executeUpdate(pauseLoopUpdate);
        await deleteOffset(topic, 0);
        await deleteOffset(topic, 1);
        await sendRound(topic, 1);
        await loop.executeUpdate(resumeLoopUpdate);
        await until('all have an outcome', async () => (await outcomeCount(loop)) === 4);
        expect(await differencesOf(loop)).toEqual(['forgotten', 'forgotten']);
      });
      const scores = await readTopics(harness.config.KAFKA_BROKERS.join(), SCORES_TOPIC);
      const keys = scores.map(({ key }) => key).filter((key) => key.startsWith(`${topic}-`));
      expect(keys.filter((key) => key.endsWith('-0')).sort()).toEqual([`${topic}-0-0`, `${topic}-1-0`]);
    },
  );

  loopTest(
    'may be lost while no loop runs: the partition is read from where the group began, and nothing is skipped',
    async ({ topic }) => {
      const positionsOf = async (loop: LoopHandle) =>
        (await stateOf(loop)).partitions.map(({ position }) => position);
      await sendRound(topic, 0, Date.now() - 20 * 60_000); // before the group began
      await harness.withLoop(topic, async (loop) => {
        await sendRound(topic, 1, Date.now() - 3 * 60_000); // by a producer whose clock is behind
        await until('both are read', async () => String(await positionsOf(loop)) === '2,2');
        await loop.executeUpdate(pauseLoopUpdate); // no slice runs any more
      });
      await deleteOffset(topic, 0);
      await sendRound(topic, 2);
      await harness.withLoop(topic, async (loop) => {
        await until('both are read', async () => String(await positionsOf(loop)) === '3,3');
        // Of partition 0 the rounds 1 and 2. The other one keeps its count of round 1.
        expect((await stateOf(loop)).partitions.map(({ totals }) => totals.scored)).toEqual([2, 2]);
      });
    },
  );

  loopTest('may be set back by hand: the loop follows it and reports the change', async ({ topic }) => {
    await harness.withLoop(topic, async (loop) => {
      await sendRound(topic, 0);
      await until('both have an outcome', async () => (await outcomeCount(loop)) === 2);
      await loop.executeUpdate(pauseLoopUpdate);
      await kafkaTool('consumer.group.ConsumerGroupCommand', [
        ...['--bootstrap-server', harness.config.KAFKA_BROKERS.join()],
        ...['--group', harness.config.SCORING_GROUP, '--topic', `${topic}:1`],
        ...['--reset-offsets', '--to-earliest', '--execute'],
      ]);
      await loop.executeUpdate(resumeLoopUpdate);
      await until('one has an outcome again', async () => (await outcomeCount(loop)) === 3);
      expect(await differencesOf(loop)).toEqual([null, 'behind']);
    });
  });
});

// Not concurrent, because the ML API fails for all loops. A sequential test of a concurrent suite does not run alone: the other suites go on.
describe('an operator, during an outage of the ML API,', () => {
  loopTest(
    'seeks while a batch waits: the batch ends and the loop continues at the target',
    async ({ topic }) => {
      await harness.withLoop(topic, async (loop) => {
        await harness.ml.setFaults({ status: 500 });
        await send(topic, ['a', 'b', 'c']);
        await until('a partition is stuck', async () =>
          (await stateOf(loop)).partitions.some(({ stuck }) => stuck !== null),
        );
        await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'latest' }] });
        await harness.ml.setFaults({});
        await send(topic, ['d']);
        await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
        await loop.executeUpdate(seekLoopUpdate, { args: [{ end: 'earliest' }] });
        await until('all have an outcome', async () => (await outcomeCount(loop)) === 5);
        expect((await stateOf(loop)).partitions.map(({ disagreement }) => disagreement)).toEqual([
          null,
          null,
        ]);
      });
    },
  );
});
