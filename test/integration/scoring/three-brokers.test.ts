import { afterAll, beforeAll, test } from 'vitest';
import { stackPaths, testStackFolder } from '../../../engines/paths.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import { startKafkaCluster, type KafkaCluster } from '../../chaos/kafka-cluster.ts';
import { expectExactlyOnceWithBrokerFaults } from '../../chaos/run-with-broker-faults.ts';
import { createTestBed, type TestBed } from '../../chaos/test-bed.ts';
import { testEngines } from '../../support/test-engines.ts';

/** The short form of test/chaos/three-brokers.test.ts: a broker freezes, leaders move back to it, another is stopped, and so on. */
const ROUNDS = 5;
/** Longer than the deadlines of the waits inside, because their errors say more. */
const LIMIT = { timeout: 900_000 };

let cluster: KafkaCluster;
let bed: TestBed;
beforeAll(async () => {
  const engines = testEngines();
  cluster = await startKafkaCluster({ paths: stackPaths(testStackFolder), ports: await someFreePorts(6) });
  bed = await createTestBed({
    ...engines,
    KAFKA_BROKERS: cluster.brokers,
    REDIS_URL: `${engines.REDIS_URL}/9`,
  });
});
afterAll(async () => {
  await bed?.close();
  await cluster?.stop();
});

test('every event has exactly one outcome while brokers freeze and restart, and leaders move', LIMIT, () =>
  expectExactlyOnceWithBrokerFaults(bed, cluster, ROUNDS),
);
