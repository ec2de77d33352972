import { parseArgs } from 'node:util';
import { runBench } from './run-bench.ts';
import { measureFullWarm } from './warming/measure-full-warm.ts';
import { measureHitRates } from './warming/measure-hit-rates.ts';
import { measureManyProfiles } from './warming/measure-many-profiles.ts';
import { startWarming } from './warming/start-warming.ts';

/**
 * `npm run bench:warming`: the figures of warming, each with its limit or with a bare baseline of the same run.
 * The worker, all engines and the baselines run as separate processes on this machine. `--rows 0` leaves out the large lakehouse.
 */
const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });

await runBench(async (bench) => {
  const warming = await startWarming(bench);
  await measureFullWarm(warming);
  await measureHitRates(warming);
  if (Number(options.rows) > 0) await measureManyProfiles(warming, Number(options.rows));
});
