import { setTimeout as sleep } from 'node:timers/promises';
import { fillLakehouse } from '../../simulators/lakehouse/fill.ts';
import type { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { bytesRead } from './bytes-read.ts';
import { measureAppend } from './measure-append.ts';
import { residentMb } from '../process-memory.ts';
import { TODAYS_PROFILES, type Warming } from './start-warming.ts';

const LARGE_SCHEMA = 'kol_silver_large';
const SAMPLE_EVERY_MS = 200;

/** The time per row with many profiles compared with today's number, and the memory of the worker during that warm. */
export async function measureManyProfiles(warming: Warming, rows: number): Promise<void> {
  const { bench, redis, source, worker, startWorker } = warming;
  const today = await warmProfiles(warming);
  await worker.stop();
  // Room for all of them: a million profiles take about a gigabyte.
  await redis.config('SET', 'maxmemory', '4gb');
  await fillLakehouse({
    ...source,
    schema: LARGE_SCHEMA,
    scale: rows / TODAYS_PROFILES,
    tables: ['kol_profiles'],
    report: console.log,
  });
  // Few hot profiles keep the startup warm short. It fails, because the schema has no other tables; it is not measured.
  const largeWorker = await startWorker({ TRINO_SCHEMA: LARGE_SCHEMA, WARM_PROFILES: '1000' });
  const memory = watchMemory(largeWorker);
  const since = new Date();
  const many = await warmProfiles(warming);
  const fullBytes = await bytesRead(source.trinoUrl, since);
  bench.figure({
    what: `${many.rows} profiles, all of them: time a row`,
    value: `${many.msPerRow.toFixed(4)} ms (${Math.round(many.ms / 1000)} s)`,
    against: `${today.msPerRow.toFixed(4)} ms with ${TODAYS_PROFILES}; wanted ≤ 1.1 of it`,
    ratio: many.msPerRow / today.msPerRow,
  });
  const maxMb = memory.stop();
  bench.figure({
    what: `worker RSS at most, during that`,
    value: `${maxMb} MB (${memory.beforeMb} MB before)`,
    against: 'wanted ≤ 300 MB',
    ratio: maxMb / 300,
  });
  await measureAppend(warming, `${source.catalog}.${LARGE_SCHEMA}.kol_profiles`, fullBytes);
}

/** Warms all profiles. `force` makes the warm read every row. */
async function warmProfiles({ warm }: Warming): Promise<{ rows: number; ms: number; msPerRow: number }> {
  const report = await warm({ parts: ['profiles'], allProfiles: true, force: true });
  const rows = report.parts[0]?.rowsRead ?? Number.NaN;
  return { rows, ms: report.durationMs, msPerRow: report.durationMs / rows };
}

/** Samples the resident memory of a process five times per second. `stop` returns the maximum in MB. */
function watchMemory(worker: ManagedProcess): { beforeMb: number; stop(): number } {
  const sample = () => (worker.pid === undefined ? 0 : residentMb(worker.pid));
  const beforeMb = sample();
  let maxMb = beforeMb;
  let watching = true;
  void (async () => {
    while (watching) {
      maxMb = Math.max(maxMb, sample());
      await sleep(SAMPLE_EVERY_MS);
    }
  })();
  return {
    beforeMb,
    stop() {
      watching = false;
      return maxMb;
    },
  };
}
