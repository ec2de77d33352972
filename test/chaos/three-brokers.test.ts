import { afterAll, beforeAll, test } from 'vitest';
import { startChaosEngines, type ChaosEngines } from './chaos-engines.ts';
import { expectExactlyOnceWithBrokerFaults } from './run-with-broker-faults.ts';
import { createTestBed, type TestBed } from './test-bed.ts';

const ROUNDS = 50;

let engines: ChaosEngines;
let bed: TestBed;
beforeAll(async () => {
  engines = await startChaosEngines({ brokers: 3 });
  bed = await createTestBed(engines.addresses);
});
afterAll(async () => {
  await bed?.close();
  await engines?.stop();
});

test(`every event has exactly one outcome while brokers restart and leaders move ${ROUNDS} times`, async () => {
  await expectExactlyOnceWithBrokerFaults(bed, engines.cluster, ROUNDS);
});
