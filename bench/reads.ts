import { parseArgs } from 'node:util';
import { measureBulk } from './reads/measure-bulk.ts';
import { measureHalfLoad } from './reads/measure-half-load.ts';
import { measureHits } from './reads/measure-hits.ts';
import { measureMisses } from './reads/measure-misses.ts';
import { measureUnchangedWarm } from './reads/measure-unchanged-warm.ts';
import { startReadServers, type ReadBench } from './reads/start-servers.ts';
import { runBench } from './run-bench.ts';

/**
 * `npm run bench:reads`: the figures of the read API, each with its goal. `--only` names some of the parts. Each server and Redis are
 * processes of their own; the load comes from this one.
 */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    /** A folder for CPU profiles of the API. */
    profile: { type: 'string' },
  },
});

const parts: Readonly<Record<string, (reads: ReadBench) => Promise<void>>> = {
  hits: measureHits,
  bulk: measureBulk,
  half: measureHalfLoad,
  misses: measureMisses,
  warm: measureUnchangedWarm,
};
const wanted = options.only?.split(',') ?? Object.keys(parts);
for (const name of wanted)
  if (!(name in parts)) throw new Error(`--only ${name}: the parts are ${Object.keys(parts).join(', ')}`);

await runBench(async (bench) => {
  const reads: ReadBench = {
    bench,
    servers: await startReadServers(bench),
    rounds: Number(options.rounds),
    seconds: Number(options.seconds),
    profiling: options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
  };
  for (const [name, measure] of Object.entries(parts)) if (wanted.includes(name)) await measure(reads);
});
