import { parseArgs } from 'node:util';
import { runBench } from './run-bench.ts';
import { measureBacklogs, measureBareScoring } from './scoring/measure-backlogs.ts';
import { measureLatencies } from './scoring/measure-latencies.ts';
import { measureMemory } from './scoring/measure-memory.ts';
import { measureSingleCalls } from './scoring/measure-single-calls.ts';
import { measureSmallBatches } from './scoring/measure-small-batches.ts';
import { startScoring } from './scoring/start-scoring.ts';
import { warmUp } from './scoring/warm-up.ts';

/**
 * `npm run bench:scoring`: the figures of the scoring loop, each with its limit or with a bare baseline of the same run.
 * The worker, the ML service and all engines run as separate processes on this machine.
 */
const { values: options } = parseArgs({
  options: { backlog: { type: 'string', default: '10000' }, memory: { type: 'string', default: '0' } },
});
const backlog = Number(options.backlog);
const memoryEvents = Number(options.memory);

await runBench(async (bench) => {
  const scoring = await startScoring(bench);
  await warmUp(scoring);
  await measureSmallBatches(scoring);
  await measureBacklogs(scoring, backlog);
  await measureBareScoring(scoring, backlog);
  await measureLatencies(scoring);
  // The last figures that need the batch endpoint are done: a client that finds it missing uses single calls for ten minutes.
  await measureSingleCalls(scoring, backlog);
  if (memoryEvents > 0) await measureMemory(scoring, memoryEvents);
});
