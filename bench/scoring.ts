import { parseArgs } from 'node:util';
import { runBench } from './run-bench.ts';
import { measureBacklog, measureSingleCalls } from './scoring/measure-backlogs.ts';
import { measureSmallBatches, measureSteadyStream } from './scoring/measure-latencies.ts';
import { measureManyPartitions } from './scoring/measure-many-partitions.ts';
import { measureMemory } from './scoring/measure-memory.ts';
import { measurePause } from './scoring/measure-pause.ts';
import { measureStuckPartition } from './scoring/measure-stuck-partition.ts';
import { startScoring, type Scoring } from './scoring/start-scoring.ts';
import { warmUp } from './scoring/warm-up.ts';

/**
 * `npm run bench:scoring`: the figures of the scoring loop, each with its goal or with a bare baseline of the same run. `--only` names
 * some of the parts. The worker, the ML service and all engines run as separate processes on this machine.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    backlog: { type: 'string', default: '50000' },
    memory: { type: 'string', default: '0' },
    'profile-folder': { type: 'string' },
  },
});
const memoryEvents = Number(options.memory);

/** The order matters: the last two remove the batch endpoint, and a client without it uses single calls for ten minutes. */
const parts: Readonly<Record<string, (scoring: Scoring) => Promise<void>>> = {
  small: measureSmallBatches,
  steady: measureSteadyStream,
  pause: measurePause,
  backlog: (scoring) => measureBacklog(scoring, Number(options.backlog)),
  ...(memoryEvents > 0 && { memory: (scoring: Scoring) => measureMemory(scoring, memoryEvents) }),
  partitions: measureManyPartitions,
  singles: measureSingleCalls,
  stuck: measureStuckPartition,
};
const wanted = options.only?.split(',') ?? Object.keys(parts);
for (const name of wanted)
  if (!(name in parts)) throw new Error(`--only ${name}: the parts are ${Object.keys(parts).join(', ')}`);

await runBench(async (bench) => {
  const scoring = await startScoring(bench, options['profile-folder']);
  await warmUp(scoring);
  for (const [name, measure] of Object.entries(parts)) if (wanted.includes(name)) await measure(scoring);
});
