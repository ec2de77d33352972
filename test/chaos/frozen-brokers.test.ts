import type { WorkflowHandle } from '@temporalio/client';
import { expect, test } from 'vitest';
import { loopStateQuery } from '../../contract/messages.ts';
import type { PartitionState } from '../../contract/scoring-loop.ts';
import type { scoringLoop } from '../../workflows/scoring/scoring-loop.ts';
import { until } from '../support/until.ts';
import { whileFrozen } from './broker-faults.ts';
import { useTestBed } from './test-bed.ts';

const { engines, bed } = useTestBed({ brokers: 3 });

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

test('while all brokers are frozen, every partition is shown as stuck with the reason; then it works again', async () => {
  const { cluster } = engines();
  const run = await bed().createRun('frozen', { partitions: 3, ids: 50, events: 300, maxOffsets: 100 });
  const loop = await run.startLoop();
  await run.startWorker().untilLine('ready');
  await run.untilAllCommitted();
  await untilEach(loop, 'works', ({ stuck, worker }) => stuck === null && worker !== null);

  await whileFrozen(cluster.nodes, async () => {
    await untilEach(loop, 'is stuck', ({ stuck }) => stuck !== null);
    const { partitions } = await loop.query(loopStateQuery);
    const reasons = partitions.map(({ stuck }) => stuck?.reason);
    for (const reason of reasons) expect(reason).toMatch(/not answer|timed out|within|while it was|closed/i);
    const { searchAttributes } = await loop.describe();
    expect(searchAttributes['KolLoopState']).toEqual(['stuck']);
  });
  await cluster.untilHealthy();
  await untilEach(loop, 'works again', ({ stuck }) => stuck === null);
  await run.produce(300, 300);
  await run.untilAllCommitted();
  await run.close();
  expect((await bed().checkRuns([run])).get(run.topic)?.violations).toEqual([]);
});
