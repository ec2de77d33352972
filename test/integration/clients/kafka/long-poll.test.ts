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

/** Whether a wait was told of a record: then it ends before one that nothing comes for. */
async function endsBeforeAnIdleWait(wait: () => Promise<void>, arrive: () => Promise<unknown>) {
  const idle = await newTopic(1);
  await longPoll.wait(idle, from(0)); // connects
  const told: string[] = [];
  const idling = longPoll.wait(idle, from(0)).then(() => told.push('idle'));
  const waiting = wait().then(() => told.push('arrived'));
  await Promise.all([arrive(), waiting, idling]);
  return told[0] === 'arrived';
}

describe('waiting for records', () => {
  test('ends with the first one, in whatever partition, and not for those that are known', async () => {
    await longPoll.wait(topic, from(0, 0)); // connects
    for (const partition of [0, 1])
      expect(
        await endsBeforeAnIdleWait(
          () => longPoll.wait(topic, from(partition === 1 ? 1 : 0, 0)),
          () => send(partition),
        ),
      ).toBe(true);
    // As idle as can be: a wait that is told of something ends before it.
    const other = await newTopic(1);
    await longPoll.wait(other, from(0)); // connects
    const told: string[] = [];
    await Promise.all([
      longPoll.wait(topic, from(1, 1)).then(() => told.push('known')),
      longPoll.wait(other, from(0)).then(() => told.push('new')),
      producer.send({ topic: other, messages: [{ value: 'x' }] }),
    ]);
    expect(told).toEqual(['new', 'known']);
  });

  test('knows partitions that were added since', async () => {
    await longPoll.wait(topic, from(0, 0));
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    await until('the broker shows 3 partitions', async () => {
      const { topics: shown } = await admin.fetchTopicMetadata({ topics: [topic] });
      return shown[0]?.partitions.length === 3;
    });
    await longPoll.wait(topic, from(0, 0, 0)); // refreshes what it knows of the topic
    expect(
      await endsBeforeAnIdleWait(
        () => longPoll.wait(topic, from(0, 0, 0)),
        () => send(2),
      ),
    ).toBe(true);
  });

  test('says so where there are no such offsets, and no such topic', async () => {
    await expect(longPoll.wait(topic, from(7))).rejects.toThrow(/offset/i);
    await expect(longPoll.wait('test-nowhere', from(0))).rejects.toThrow();
  });
});
