import type { Redis } from 'ioredis';
import { withProcessorTime } from '../core-shares.ts';
import { median } from '../figures.ts';
import { residentMb } from '../process-memory.ts';
import { startBaselines } from './start-baselines.ts';
import { TODAYS_PROFILES, type Warming } from './start-warming.ts';

const ROUNDS = 5;

interface Round {
  readonly warmMs: number;
  readonly scriptMs: number;
  readonly readsMs: number;
  readonly writesMs: number;
  /** Processor time of the full warm, by process. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Processor time of the worker for a row of the profiles alone. */
  readonly microsPerRow: number;
}

/** A full warm compared with the old script's design and with its bare reads and writes, and an unchanged warm. */
export async function measureFullWarm(warming: Warming): Promise<void> {
  const { figure } = warming.bench;
  const baselines = await startBaselines(warming);
  const round = async (): Promise<Round> => {
    const scriptMs = await baselines.run('script');
    const { result, seconds } = await withProcessorTime(warming.processes, 1, () =>
      warming.warm({ force: true }),
    );
    const readsMs = await baselines.run('reads');
    const writesMs = await baselines.run('writes');
    const rates = { warmMs: result.durationMs, scriptMs, readsMs, writesMs };
    console.log(rates);
    return { ...rates, seconds, microsPerRow: await workerMicrosPerRow(warming) };
  };
  await round(); // the first one runs on cold engines
  const rounds: Round[] = [];
  // alternate, so that a slow minute of the machine affects all
  for (let done = 0; done < ROUNDS; done += 1) rounds.push(await round());
  baselines.stop();
  printFullWarm(warming, rounds);

  const warmMs = median(rounds.map((each) => each.warmMs));
  await warming.redis.config('RESETSTAT');
  const unchanged = await warming.warm({});
  figure({
    what: `the same with nothing changed: ${unchanged.renewed} keys renewed`,
    value: `${unchanged.durationMs} ms`,
    against: 'the full warm of this run',
    ratio: unchanged.durationMs / warmMs,
  });
  const callMs = await scriptCallMs(warming.redis);
  figure({
    what: 'script calls that renew them, 99 % take at most',
    value: `${callMs.toFixed(2)} ms of Redis`,
    against: 'wanted ≤ 2 ms',
    ratio: callMs / 2,
  });
}

/** The 99th percentile of the time that script calls took in Redis since its statistics were reset. */
async function scriptCallMs(redis: Redis): Promise<number> {
  const stats = await redis.info('latencystats');
  return Number(/usec_evalsha:.*p99=([\d.]+)/.exec(stats)?.[1]) / 1000;
}

async function workerMicrosPerRow({ processes, warm }: Warming): Promise<number> {
  const { result, seconds } = await withProcessorTime(processes, 1, () =>
    warm({ parts: ['profiles'], allProfiles: true, force: true }),
  );
  return ((seconds['worker'] ?? Number.NaN) / (result.parts[0]?.rowsRead ?? Number.NaN)) * 1_000_000;
}

function printFullWarm({ bench: { figure }, worker, processes }: Warming, rounds: readonly Round[]): void {
  const of = (value: (round: Round) => number) => median(rounds.map(value));
  const ms = (value: (round: Round) => number) => `${Math.round(of(value))} ms`;
  figure({
    what: `a forced full warm, ${TODAYS_PROFILES} profiles and every set; medians of ${ROUNDS} rounds`,
    value: ms(({ warmMs }) => warmMs),
    against: `the old script's design, ${ms(({ scriptMs }) => scriptMs)}; wanted ≤ 1.0 of it`,
    ratio: of(({ warmMs, scriptMs }) => warmMs / scriptMs),
  });
  figure({
    what: 'the same',
    value: ms(({ warmMs }) => warmMs),
    against: `the longer of its bare reads side by side, ${ms(({ readsMs }) => readsMs)}, and its writes as ready bytes, ${ms(({ writesMs }) => writesMs)}; wanted ≤ 2 of it`,
    ratio: of(({ warmMs, readsMs, writesMs }) => warmMs / Math.max(readsMs, writesMs)),
  });
  const cpu = Object.keys(processes).map(
    (name) => `${name} ${of(({ seconds }) => seconds[name] ?? Number.NaN).toFixed(1)}`,
  );
  figure({ what: 'processor time of it', value: `${cpu.join(', ')} s`, against: '' });
  const micros = of(({ microsPerRow }) => microsPerRow);
  figure({
    what: 'processor time of the worker for a profile, all profiles with --force',
    value: `${Math.round(micros)} µs`,
    against: 'wanted ≤ 60 µs',
    ratio: micros / 60,
  });
  const mb = worker.pid === undefined ? Number.NaN : residentMb(worker.pid);
  figure({ what: 'worker RSS after it', value: `${mb} MB`, against: 'wanted ≤ 300 MB', ratio: mb / 300 });
}
