import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTopics } from '../../../engines/create-topics.ts';
import { createTransactions } from '../../../clients/kafka/transactions.ts';
import {
  configureLoopUpdate,
  pauseLoopUpdate,
  resumeLoopUpdate,
  seekLoopUpdate,
} from '../../../contract/messages.ts';
import { NO_TOTALS, serializeCommittedMetadata } from '../../../domain/scoring/committed-metadata.ts';
import { SCORES_TOPIC } from '../../../domain/scoring/output-record.ts';
import {
  event,
  loopHarness,
  outcomeCount,
  stateOf,
  type LoopHandle,
  type LoopHarness,
} from '../../support/loop-harness.ts';
import { readTopics } from '../../support/read-topics.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
beforeAll(async () => {
  harness = await loopHarness(3, { latencyMs: 1 });
});
afterAll(() => harness.close());
/** Each test has a topic and a loop of its own. The tests run at the same time, because a loop waits most of the time. */
const loopTest = test.extend('topic', () => harness.newTopic(2));

const MINUTE = 60_000;
const untilOutcomes = (loop: LoopHandle, count: number) =>
  until(`${count} events have an outcome`, async () => (await outcomeCount(loop)) === count);

describe.concurrent('after an outage of an hour', () => {
  /** One event for each number of minutes ago, oldest first. */
  const backlog = (partition: number, name: string, minutesAgo: readonly number[]) =>
    minutesAgo.map((minutes, index) => ({
      ...event('profiles', `${name}-${index}`, {
        event_time: new Date(Date.now() - minutes * MINUTE).toISOString(),
      }),
      partition,
    }));

  // Finding 2: with one watermark over all partitions, 44 % of such a backlog was dropped as late.
  loopTest('every event is scored, although the partitions have different rates', async ({ topic }) => {
    const minutes = (count: number) => Array.from({ length: count }, (_, index) => 60 - (index * 60) / count);
    await harness.withLoop(
      topic,
      async (loop) => {
        await loop.executeUpdate(pauseLoopUpdate);
        const messages = [...backlog(0, 'busy', minutes(600)), ...backlog(1, 'quiet', minutes(200))];
        await harness.producer.send({ topic, messages });
        await loop.executeUpdate(resumeLoopUpdate);
        await untilOutcomes(loop, 800);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 800, late: 0, dropped: 0 });
        // Seeking one partition scores its old events again, whatever the others have read meanwhile.
        await loop.executeUpdate(seekLoopUpdate, { args: [{ offsets: { 1: 0 } }] });
        await untilOutcomes(loop, 1000);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 1000 });
      },
      { settings: { maxOffsets: 100 } },
    );
  });

  loopTest(
    'an event behind its partition is scored and marked, or left out when the settings say so',
    async ({ topic }) => {
      await harness.withLoop(topic, async (loop) => {
        await harness.producer.send({ topic, messages: backlog(0, 'now', [0]) });
        await untilOutcomes(loop, 1);
        await harness.producer.send({ topic, messages: backlog(0, 'late', [6]) });
        await untilOutcomes(loop, 2);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 2, late: 1 });
        await loop.executeUpdate('configure', { args: [{ lateEvents: 'drop' }] });
        await harness.producer.send({ topic, messages: backlog(0, 'dropped', [6]) });
        await untilOutcomes(loop, 3);
        expect((await stateOf(loop)).totals).toMatchObject({ scored: 2, dropped: 1 });
      });
      const scores = (await readTopics(harness.config.KAFKA_BROKERS.join(), SCORES_TOPIC))
        .map(({ value }) => JSON.parse(value) as { kol_id: string; late: boolean; source: { topic: string } })
        .filter(({ source }) => source.topic === topic);
      expect(scores.map(({ kol_id, late }) => [kol_id, late])).toEqual([
        ['now-0', false],
        ['late-0', true],
      ]);
    },
  );
});

describe.concurrent('a topic', () => {
  /** With a producer of its own: one of kafkajs that has written to a topic cannot write at all once that is deleted. */
  const send = async (to: string, ids: string[]) => {
    const producer = harness.kafka.producer();
    await producer.connect();
    await producer.send({ topic: to, messages: ids.map((id) => event('profiles', id)) });
    await producer.disconnect();
  };

  loopTest(
    'that is deleted stops no other loop; created again, it is read from its beginning',
    async ({ topic }) => {
      const other = await harness.newTopic(1);
      await harness.withLoop(topic, async (loop) => {
        const otherLoop = await harness.startLoop(other);
        try {
          await until('the other has started', async () => (await stateOf(otherLoop)).partitionCount === 1);
          await send(topic, ['a', 'b', 'c']);
          await untilOutcomes(loop, 3);
          await harness.withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
          await send(other, ['x']);
          await untilOutcomes(otherLoop, 1);
          await harness.withAdmin((admin) => createTopics(admin, [{ topic, numPartitions: 2 }]));
          await send(topic, ['d', 'e']);
          await untilOutcomes(loop, 5);
          await until('the state says so', async () =>
            (await stateOf(loop)).partitions.every(({ disagreement }) => disagreement?.kind === 'recreated'),
          );
          await send(other, ['y']);
          await untilOutcomes(otherLoop, 2);
        } finally {
          await otherLoop.terminate();
        }
      });
    },
    120_000,
  );

  loopTest(
    'that is created again with fewer partitions loses the others, and gets them back when they are added',
    async ({ topic }) => {
      await harness.withLoop(topic, async (loop) => {
        const numbers = async () => (await stateOf(loop)).partitions.map(({ partition }) => partition);
        await send(topic, ['a', 'b', 'c']);
        await untilOutcomes(loop, 3);
        await harness.withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
        await harness.withAdmin((admin) => createTopics(admin, [{ topic, numPartitions: 1 }]));
        await until('one partition is left', async () => (await numbers()).length === 1, 90);
        await send(topic, ['d']);
        await until('it works', async () => {
          const [first] = (await stateOf(loop)).partitions;
          return first?.stuck === null && first.position === 1;
        });
        await loop.executeUpdate(configureLoopUpdate, {
          args: [{ group: `${harness.config.SCORING_GROUP}-b` }],
        });
        const topicPartitions = [{ topic, count: 2 }];
        await harness.withAdmin((admin) => admin.createPartitions({ topicPartitions }));
        await until('the second is back', async () => (await numbers()).length === 2, 60);
      });
    },
    200_000,
  );

  loopTest('in another cluster than the committed offsets is read from its beginning', async ({ topic }) => {
    await send(topic, ['a', 'b', 'c']);
    await commitInAnotherCluster(topic, [0, 1]);
    await harness.withLoop(topic, async (loop) => {
      await untilOutcomes(loop, 3);
      await until('the state says so', async () =>
        (await stateOf(loop)).partitions.every(({ disagreement }) => disagreement?.kind === 'replaced'),
      );
    });
  });

  /** As mirroring does it: the group's offsets are copied to this cluster, with the metadata of the other one. */
  async function commitInAnotherCluster(topic: string, partitions: readonly number[]): Promise<void> {
    const elsewhere = await harness.newTopic(1);
    const transactions = createTransactions(harness.kafka);
    const producer = await transactions.open(`mirror-${topic}`);
    const metadata = serializeCommittedMetadata({
      worker: 'another',
      identity: { clusterId: 'another', topicId: 'another' },
      newestEventMs: null,
      totals: NO_TOTALS,
      started: null,
    });
    const records = [{ topic: elsewhere, message: { value: 'a transaction needs a record' } }];
    for (const partition of partitions)
      await producer.commit({
        ...{ records, metadata, topic, partition },
        ...{ group: harness.config.SCORING_GROUP, offset: 1000 },
      });
    await transactions.close();
  }

  loopTest(
    'with a partition that cannot be read shows it as stuck in the UI, and the others go on',
    async ({ topic }) => {
      const partitions = [{ partition: 0, offset: '1000' }]; // beyond the end of its log
      await harness.admin.setOffsets({ groupId: harness.config.SCORING_GROUP, topic, partitions });
      await harness.withLoop(topic, async (loop) => {
        await harness.producer.send({ topic, messages: [{ ...event('profiles', 'x'), partition: 1 }] });
        await untilOutcomes(loop, 1);
        const stuckOnes = async () => (await stateOf(loop)).partitions.map(({ stuck }) => stuck?.reason);
        await until('it is stuck', async () => (await stuckOnes())[0] !== undefined, 60);
        expect(await stuckOnes()).toEqual([
          expect.stringContaining('is not in the log') as string,
          undefined,
        ]);
        const { searchAttributes } = await loop.describe();
        expect(searchAttributes).toMatchObject({ KolLoopState: ['stuck'], KolTopic: [topic] });
        const { currentDetails } = await loop.query<{ currentDetails: string }>(
          '__temporal_workflow_metadata',
        );
        expect(currentDetails).toContain('| **0, stuck** | 1000 |');
        expect(new Set(await summariesOf(loop))).toEqual(new Set(['"partition 0"', '"partition 1"']));
        await loop.executeUpdate(seekLoopUpdate, { args: [{ offsets: { 0: 0 } }] });
        await until('it works again', async () => (await stuckOnes())[0] === undefined);
      });
    },
    120_000,
  );

  /** What the UI shows beside the slices. */
  async function summariesOf(loop: LoopHandle): Promise<string[]> {
    const { events = [] } = await loop.fetchHistory();
    return (events ?? [])
      .flatMap(({ userMetadata }) =>
        userMetadata?.summary?.data ? [Buffer.from(userMetadata.summary.data).toString()] : [],
      )
      .filter((summary) => summary.includes('partition '));
  }

  loopTest(
    'behind an open transaction of another producer is shown as blocked, not as idle',
    async ({ topic }) => {
      await harness.withLoop(
        topic,
        async (loop) => {
          const kafka = harness.kafka;
          const producer = kafka.producer({ transactionalId: `open-${topic}`, idempotent: true });
          await producer.connect();
          const transaction = await producer.transaction();
          await transaction.send({ topic, messages: [{ ...event('profiles', 'held'), partition: 0 }] });
          await until('it is blocked', async () => {
            const [first, second] = (await stateOf(loop)).partitions;
            return first?.blocked?.offsets === 1 && second?.blocked === null;
          });
          await transaction.commit();
          await producer.disconnect();
          await untilOutcomes(loop, 1);
          await until('it is not blocked', async () =>
            (await stateOf(loop)).partitions.every(({ blocked }) => blocked === null),
          );
        },
        { settings: { sliceSeconds: 4 } },
      );
    },
  );
});
