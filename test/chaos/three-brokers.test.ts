import { test } from 'vitest';
import { expectExactlyOnceWithBrokerFaults } from './run-with-broker-faults.ts';
import { useTestBed } from './test-bed.ts';

const ROUNDS = 50;

const { engines, bed } = useTestBed({ brokers: 3 });

test(`every event has exactly one outcome while brokers restart and leaders move ${ROUNDS} times`, async () => {
  await expectExactlyOnceWithBrokerFaults(bed(), engines().cluster, ROUNDS);
});
