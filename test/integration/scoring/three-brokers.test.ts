import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loopStateQuery } from '../../../contract/messages.ts';
import type { PartitionState } from '../../../contract/scoring-loop.ts';
import { stackPaths, testStackFolder } from '../../../engines/paths.ts';
import { someFreePorts } from '../../../engines/ports.ts';
import type { scoringLoop } from '../../../workflows/scoring/scoring-loop.ts';
import { whileFrozen } from '../../chaos/broker-faults.ts';
import { startKafkaCluster, type KafkaCluster } from '../../chaos/kafka-cluster.ts';
import { expectExactlyOnceWithBrokerFaults } from '../../chaos/run-with-broker-faults.ts';
import { createTestBed, type TestBed } from '../../chaos/test-bed.ts';
import { testEngines } from '../../support/test-engines.ts';
import { until } from '../../support/until.ts';

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

type Loop = WorkflowHandle<typeof scoringLoop>;

/** Waits until the loop shows a state of each of its partitions. */
const untilEach = (
  loop: Loop,
  condition: string,
  isTrue: (state: PartitionState) => boolean,
  seconds = 120,
) =>
  until(
    `each partition ${condition}`,
    async () => {
      const { partitions } = await loop.query(loopStateQuery);
      return partitions.length > 0 && partitions.every(isTrue);
    },
    seconds,
  );

test(
  'while all brokers are frozen, every partition is shown as stuck with the reason; then it works again',
  LIMIT,
  async () => {
    const run = await bed.createRun('frozen', { partitions: 3, ids: 50, events: 300, maxOffsets: 100 });
    const loop = await run.startLoop();
    await run.startWorker().untilLine('ready');
    await run.untilAllCommitted();
    await untilEach(loop, 'works', ({ stuck, worker }) => stuck === null && worker !== null);

    await whileFrozen(cluster.nodes, async () => {
      await untilEach(loop, 'is stuck', ({ stuck }) => stuck !== null);
      const { partitions } = await loop.query(loopStateQuery);
      const reasons = partitions.map(({ stuck }) => stuck?.reason);
      for (const reason of reasons)
        expect(reason).toMatch(/not answer|timed out|within|while it was|closed/i);
      const { searchAttributes } = await loop.describe();
      expect(searchAttributes['KolLoopState']).toEqual(['stuck']);
    });
    await cluster.untilHealthy();
    await untilEach(loop, 'works again', ({ stuck }) => stuck === null);
    await run.produce(300, 300);
    await run.untilAllCommitted();
    await run.close();
    expect((await bed.checkRuns([run])).get(run.topic)?.violations).toEqual([]);
  },
);
