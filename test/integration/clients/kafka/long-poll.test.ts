import type { Admin, Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createLongPoll, type LongPoll } from '../../../../clients/kafka/long-poll.ts';
import { createKafkaClient } from '../../../../clients/kafka/client.ts';
import { until } from '../../../support/until.ts';

let admin: Admin;
let producer: Producer;
let longPoll: LongPoll;
let topic: string;
let topics = 0;

beforeAll(async () => {
  const kafka = createKafkaClient([inject('engines').KAFKA_BROKERS], 'test-longPoll', () => {});
  admin = kafka.admin();
  producer = kafka.producer();
  longPoll = createLongPoll(kafka);
  await Promise.all([admin.connect(), producer.connect()]);
});
afterAll(() => Promise.all([longPoll.close(), admin.disconnect(), producer.disconnect()]));
const newTopic = async (partitions: number) => {
  const name = `test-longPoll-${process.pid}-${(topics += 1)}`;
  await admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }] });
  return name;
};
beforeEach(async () => {
  topic = await newTopic(2);
});

const from = (...offsets: number[]) => offsets.map((offset, partition) => ({ partition, offset }));
const send = (partition: number) => producer.send({ topic, messages: [{ partition, value: 'x' }] });

/** Whether a new record ends a wait: then it ends before a wait on an idle topic. */
async function endsBeforeIdleWait(wait: () => Promise<void>, produce: () => Promise<unknown>) {
  const idle = await newTopic(1);
  await longPoll.wait(idle, from(0)); // connects
  const ended: string[] = [];
  const idleWait = longPoll.wait(idle, from(0)).then(() => ended.push('idle'));
  const testedWait = wait().then(() => ended.push('tested'));
  await Promise.all([produce(), testedWait, idleWait]);
  return ended[0] === 'tested';
}

describe('a long poll', () => {
  test('ends with a new record in any partition, and not for records before its offsets', async () => {
    await longPoll.wait(topic, from(0, 0)); // connects
    for (const partition of [0, 1])
      expect(
        await endsBeforeIdleWait(
          () => longPoll.wait(topic, from(partition === 1 ? 1 : 0, 0)),
          () => send(partition),
        ),
      ).toBe(true);
    // The wait for known records takes as long as an idle one, so a wait with a new record ends before it.
    const other = await newTopic(1);
    await longPoll.wait(other, from(0)); // connects
    const ended: string[] = [];
    await Promise.all([
      longPoll.wait(topic, from(1, 1)).then(() => ended.push('known')),
      longPoll.wait(other, from(0)).then(() => ended.push('new')),
      producer.send({ topic: other, messages: [{ value: 'x' }] }),
    ]);
    expect(ended).toEqual(['new', 'known']);
  });

  test('finds partitions that were added since the last wait', async () => {
    await longPoll.wait(topic, from(0, 0));
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until('the broker shows 3 partitions', async () => {
      const { topics: shown } = await admin.fetchTopicMetadata({ topics: [topic] });
      return shown[0]?.partitions.length === 3;
    });
    await longPoll.wait(topic, from(0, 0, 0)); // refreshes the metadata
    expect(
      await endsBeforeIdleWait(
        () => longPoll.wait(topic, from(0, 0, 0)),
        () => send(2),
      ),
    ).toBe(true);
  });

  test('fails for an offset beyond the end and for a topic that does not exist', async () => {
    await expect(longPoll.wait(topic, from(7))).rejects.toThrow(/offset/i);
    await expect(longPoll.wait('test-nowhere', from(0))).rejects.toThrow();
  });
});
