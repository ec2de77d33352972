import { expect, test } from 'vitest';
import { useTestBed } from './test-bed.ts';

/** Seven loops, and more slices than a worker of these tests has partitions elsewhere. */
const PARTITIONS = 200;
const EVENTS = 20_000;

const { bed } = useTestBed();

test('every event of 200 partitions on one broker has exactly one outcome, also when a worker is killed', async () => {
  const run = await bed().createRun('many', {
    partitions: PARTITIONS,
    ids: 5000,
    events: EVENTS,
    maxOffsets: 1000,
  });
  await run.startLoop();
  const [first] = [run.startWorker(), run.startWorker()];
  await first?.untilLine('commit done');
  await first?.kill();
  await run.untilAllCommitted(300);
  await run.produce(EVENTS, EVENTS); // by now every partition has a loop
  await run.untilAllCommitted(300);
  await run.close();

  const check = (await bed().checkRuns([run])).get(run.topic);
  expect(check?.violations).toEqual([]);
  expect(check?.input).toBe(2 * EVENTS);
});
