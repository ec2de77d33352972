import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKafkaClient } from '../../../../../clients/kafka/client.ts';
import { createOffsets } from '../../../../../clients/kafka/offsets.ts';
import { createTransactions } from '../../../../../clients/kafka/transactions.ts';
import { SCORES_TOPIC } from '../../../../../domain/scoring/output-record.ts';
import { startMuteServer, type MuteServer } from '../../../../support/mute-server.ts';
import { testEngines } from '../../../../support/test-engines.ts';

// The patch changes internal objects of kafkajs. These tests fail if a new version changes them. A node that freezes later is in
// test/integration/scoring/three-brokers.test.ts.

let frozen: MuteServer;
beforeAll(async () => void (frozen = await startMuteServer()));
afterAll(() => frozen.close());

const clientOf = (...brokers: string[]) => createKafkaClient(brokers, 'test', () => {});
/** kafkajs alone tries for 390 s. */
const LIMIT = { timeout: 90_000 };

describe('while the first broker of the list is frozen', LIMIT, () => {
  test('a producer is opened at the next one', async () => {
    const transactions = createTransactions(clientOf(frozen.address, testEngines().KAFKA_BROKERS));
    const producer = await transactions.open(`frozen-${process.pid}`);
    expect(producer.fencedAtMs).toBeGreaterThan(0);
    await transactions.close();
  });

  test('offsets are read from the next one', async () => {
    const offsets = createOffsets(clientOf(frozen.address, testEngines().KAFKA_BROKERS));
    expect((await offsets.topic(SCORES_TOPIC)).partitionCount).toBeGreaterThan(0);
    await offsets.close();
  });
});

describe('while every broker is frozen', LIMIT, () => {
  test('a producer is not opened, and the error says why', async () => {
    const transactions = createTransactions(clientOf(frozen.address));
    await expect(transactions.open('frozen')).rejects.toThrow(/accepts connections but does not answer/);
    await transactions.close();
  });

  test('offsets are not read, and the error says why', async () => {
    const offsets = createOffsets(clientOf(frozen.address));
    await expect(offsets.topic(SCORES_TOPIC)).rejects.toThrow(/accepts connections but does not answer/);
    await offsets.close();
  });
});
