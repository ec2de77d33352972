import { connect } from 'node:net';
import kafkajs, { type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTopics } from '../../../../../engines/create-topics.ts';
import { patchConnection } from '../../../../../clients/kafka/kafkajs/patch-connection.ts';
import { createRecordReader, type RecordReader } from '../../../../../clients/kafka/record-reader.ts';
import { startRelay, type Relay } from '../../../../support/relay.ts';
import { testEngines } from '../../../../support/test-engines.ts';

// The patch changes an internal object of kafkajs. These tests fail if a new version changes that object.

const REQUEST_TIMEOUT_MS = 1000;
const RECORDS = 200;
let relay: Relay;
let reader: RecordReader;
let producer: Producer;
const topic = `test-connection-${process.pid}`;
const read = async (partition = 0) => (await reader.read({ topic, partition, offset: 0 }, RECORDS)).records;

beforeAll(async () => {
  const brokers = [testEngines().KAFKA_BROKERS];
  const direct = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const admin = direct.admin();
  producer = direct.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([admin.connect(), producer.connect()]);
  await createTopics(admin, [{ topic, numPartitions: 6 }]);
  await admin.disconnect();
  const value = 'x'.repeat(1000);
  for (let partition = 0; partition < 6; partition += 1)
    await producer.send({ topic, messages: Array.from({ length: RECORDS }, () => ({ partition, value })) });
});
beforeEach(async () => {
  relay = await startRelay(testEngines().KAFKA_BROKERS);
  const { port } = relay;
  patchConnection();
  reader = createRecordReader(
    new kafkajs.Kafka({
      brokers: [`127.0.0.1:${port}`],
      requestTimeout: REQUEST_TIMEOUT_MS,
      logLevel: kafkajs.logLevel.NOTHING,
      // The metadata has the address of the broker; all connections must use the relay.
      socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port }, onConnect),
    }),
  );
  expect(await read()).toHaveLength(RECORDS);
  return async () => {
    await reader.close();
    await relay.close();
  };
});
afterAll(() => producer.disconnect());

test('a reconnect discards the part of a response that the broken connection received', async () => {
  relay.breakAfter(10_000);
  await expect(read()).rejects.toThrow(/Closed connection/);
  expect(await read()).toHaveLength(RECORDS);
});

test('a connection on which a request timed out is not used again', async () => {
  relay.silence();
  await expect(read()).rejects.toThrow(/timed out/);
  expect(await read()).toHaveLength(RECORDS);
});

test('concurrent requests reconnect a broken connection once', async () => {
  relay.breakAfter(10_000);
  await expect(read()).rejects.toThrow(/Closed connection/);
  const before = relay.connections();
  const all = await Promise.all([0, 1, 2, 3, 4, 5].map(read));
  expect(all.map((records) => records.length)).toEqual([0, 1, 2, 3, 4, 5].map(() => RECORDS));
  // kafkajs has one connection for fetches and one for other requests, and closes both together.
  expect(relay.connections() - before).toBe(2);
});
