import { randomBytes } from 'node:crypto';
import kafkajs, { type Message } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../../clients/kafka/client.ts';
import { openDeadLetters } from '../../../clients/kafka/dead-letters.ts';
import type { RecordReader } from '../../../clients/kafka/record-reader.ts';
import { pauseLoopUpdate, resumeLoopUpdate } from '../../../contract/messages.ts';
import { LEDGER_TOPIC } from '../../../domain/scoring/output-record.ts';
import { event, loopHarness, outcomeCount, stateOf, type LoopHarness } from '../../support/loop-harness.ts';
import { readTopics } from '../../support/read-topics.ts';
import { readDeadLetters, testRecordReader } from '../../support/scoring-outputs.ts';
import { until } from '../../support/until.ts';

let harness: LoopHarness;
let reader: RecordReader;
let topic: string;
beforeAll(async () => {
  harness = await loopHarness(6, { latencyMs: 5 });
  reader = testRecordReader(harness);
});
afterAll(() => Promise.all([harness.close(), reader.close()]));
beforeEach(async () => {
  topic = await harness.newTopic();
});

const profile = (username: string, more: object = {}) => event('profiles', username, more);
const send = (messages: Message[]) => harness.producer.send({ topic, messages });
const deadLetters = () => readDeadLetters(reader, topic);

describe('large records', () => {
  // message.max.bytes is 1,048,588 by default. The batch header needs 61 bytes, lengths and attributes 14, of which 3 for the key.
  const LARGEST = 1_048_588 - 61 - 14;
  const padded = (bytes: number, more: object) => {
    const message = profile('big', { ...more, bio: '' });
    return {
      ...message,
      value: String(message.value).replace(
        '"bio":""',
        () => `"bio":"${'x'.repeat(bytes - String(message.value).length)}"`,
      ),
    };
  };

  test('may be as large as the broker accepts', async () => {
    await expect(send([{ key: 'big', value: 'x'.repeat(LARGEST + 1) }])).rejects.toThrow(/larger/);
    await harness.withLoop(topic, async (loop) => {
      await send([padded(LARGEST, {})]);
      await send([padded(LARGEST, { followers_count: -1 })]);
      await send([{ key: 'big', value: 'x'.repeat(LARGEST) }]);
      await send([profile('after-big')]);
      await until('all have an outcome', async () => (await outcomeCount(loop)) === 4);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: 2, deadLetters: 2 });
    });
    expect((await deadLetters()).map(({ reason, value }) => [reason, value?.length])).toEqual([
      ['invalid_count', LARGEST],
      ['not_json', LARGEST],
    ]);
  });

  test('may be too large for a dead letter: it is compressed, or it has the location of the original', async () => {
    await harness.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: `${topic}.dlq`,
          configEntries: [{ name: 'max.message.bytes', value: '1048588' }], // the same as the limit of the input topic
        },
      ],
    });
    const random = randomBytes(LARGEST - 100); // the header needs the rest
    await harness.withLoop(topic, async (loop) => {
      await send([{ key: 'random', value: random, headers: { source: 'scraper-7' } }]);
      // A broker refuses the letters of a whole batch: the other record shall be in another one.
      await until('it has an outcome', async () => (await outcomeCount(loop)) === 1);
      await harness.producer.send({
        topic,
        messages: [{ key: 'packed', value: `{"broken${' '.repeat(20_000_000)}` }],
        compression: kafkajs.CompressionTypes.GZIP,
      });
      await send([profile('after-both')]);
      await until('all have an outcome', async () => (await outcomeCount(loop)) === 3);
      expect((await stateOf(loop)).totals).toMatchObject({ scored: 1, deadLetters: 2 });
    });
    const letters = new Map((await deadLetters()).map((letter) => [String(letter.key), letter]));
    expect(letters.get('packed')).toMatchObject({ reason: 'not_json', leftOutBytes: null });
    expect(letters.get('packed')?.value).toHaveLength(20_000_008);
    expect(letters.get('random')).toMatchObject({
      reason: 'not_utf8',
      value: null,
      leftOutBytes: random.length,
    });
    // `dlq replay` reads the original from the location in the dead letter.
    const kafka = createKafkaClient(harness.config.KAFKA_BROKERS, 'test-large-records', () => {});
    const opened = await openDeadLetters(kafka, topic, () => {});
    try {
      const complete = [];
      for await (const letters of opened.withLeftOutValues(opened.all({ reason: 'not_utf8' })))
        complete.push(...letters);
      expect(complete).toHaveLength(1);
      expect(complete[0]?.value).toEqual(random);
      expect(complete[0]?.headers).toEqual({ source: Buffer.from('scraper-7') });
    } finally {
      await opened.close();
    }
  });

  test('may be too many for the memory of a worker: they are committed in several transactions', async () => {
    const COUNT = 50;
    await harness.withLoop(topic, async (loop) => {
      await loop.executeUpdate(pauseLoopUpdate);
      await until('it is paused', async () => (await stateOf(loop)).state === 'paused');
      for (let index = 0; index < COUNT; index += 1)
        await harness.producer.send({
          topic,
          messages: [{ ...padded(LARGEST, { username: `large-${index}` }), partition: 0 }],
          compression: kafkajs.CompressionTypes.GZIP,
        });
      await loop.executeUpdate(resumeLoopUpdate);
      await until('all have an outcome', async () => (await outcomeCount(loop)) === COUNT);
      expect(await stateOf(loop)).toMatchObject({ totals: { scored: COUNT } });
    });
    const ledger = (await readTopics(harness.config.KAFKA_BROKERS.join(), LEDGER_TOPIC))
      .filter(({ key }) => key === `${topic}/0`)
      .map(({ value }) => JSON.parse(value) as { from?: number; to?: number })
      .filter(({ from }) => from !== undefined);
    expect(ledger.length).toBeGreaterThan(1);
    expect(ledger.map(({ from }) => from)).toEqual([0, ...ledger.slice(0, -1).map(({ to }) => to)]);
    expect(ledger.at(-1)?.to).toBe(COUNT);
  });

  test('may be too many for a single request to Kafka', async () => {
    const half = 'x'.repeat(500_000);
    await harness.withLoop(topic, async (loop) => {
      for (let index = 0; index < 6; index += 1) await send([{ key: 'same', value: half }]);
      await until('all have an outcome', async () => (await outcomeCount(loop)) === 6);
    });
    expect(await deadLetters()).toHaveLength(6);
  });
});
