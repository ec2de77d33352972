import { createRequire } from 'node:module';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { createTopics } from '../../../../../engines/create-topics.ts';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import { createTransactions } from '../../../../../clients/kafka/transactions.ts';
import { testEngines } from '../../../../support/test-engines.ts';

/** Names of the requests that kafkajs sends, in order. */
const requests: string[] = [];
type Send = (this: object, message: { request: { apiName: string } }) => Promise<unknown>;
const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection') as {
  prototype: Record<'send', Send>;
};
const { send } = prototype;
afterEach(() => {
  prototype.send = send;
});

const topic = `test-coordinators-${process.pid}`;
beforeAll(async () => {
  const admin = createKafkaClient([testEngines().KAFKA_BROKERS], 'test', () => {}).admin();
  await admin.connect();
  await createTopics(admin, [{ topic, numPartitions: 1 }]);
  await admin.disconnect();
});

test('a transaction sends its five requests without lookups, once its coordinators are known', async () => {
  const transactions = createTransactions(
    createKafkaClient([testEngines().KAFKA_BROKERS], 'test-coordinators', () => {}),
  );
  const producer = await transactions.open(topic);
  const commit = () =>
    producer.commit({
      records: [{ topic, message: { value: 'x' } }],
      ...{ group: topic, topic, partition: 0, offset: 1, metadata: '' },
    });
  try {
    await commit();
    prototype.send = function (this: object, message) {
      requests.push(message.request.apiName);
      return send.call(this, message);
    };
    await commit();
    // While the markers of the first transaction are being written, kafkajs retries requests and refreshes the metadata.
    const kinds = [...new Set(requests)].filter((name) => name !== 'Metadata');
    expect(kinds).toEqual(['AddPartitionsToTxn', 'Produce', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']);
  } finally {
    await transactions.close();
  }
});
