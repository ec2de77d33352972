import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stackAddresses, type Addresses } from './addresses.ts';
import { ENGINE_NAMES, engine, type EngineName } from './definitions/engines.ts';
import { StackError, StackRunsError } from './errors.ts';
import { installEngines } from './install/install-engines.ts';
import { inSeconds, type Report } from './install/progress.ts';
import { ManagedProcess } from './supervision/managed-process.ts';
import { stackPaths, type StackPaths } from './paths.ts';
import type { KeptProcess } from './supervision/processes.ts';
import { checkPortsAreFree, type PortName, type Ports } from './ports.ts';
import { claimPlace, stopLeftovers } from './supervision/process-record.ts';

export interface StackOptions {
  /** `stackFolder` or `testStackFolder`. */
  readonly folder: string;
  readonly ports: Ports;
  /** Environment in which an engine's address means: use that one. Left out, every engine is started. */
  readonly reuse?: NodeJS.ProcessEnv;
  readonly report: Report;
  /** Calls the start off. */
  readonly signal?: AbortSignal;
  /** Start with empty engines, and keep Temporal in memory; the lakehouse stays, it is the same each time. */
  readonly empty?: boolean;
  /** History events after which Temporal suggests to continue as new: tests need not wait for 4,096. */
  readonly continueAsNewAt?: number;
  /** More ports that the caller is going to use, checked with the engines' own. */
  readonly alsoNeeds?: readonly PortName[];
  /** Called when the addresses are certain, before the engines run. */
  readonly onAddresses?: (addresses: Addresses, paths: StackPaths) => Promise<void>;
}

export interface RunningStack {
  readonly addresses: Addresses;
  readonly paths: StackPaths;
  /** The engines started here; a test may stop, kill and start one. */
  readonly engines: Readonly<Partial<Record<EngineName, ManagedProcess>>>;
  /** Stops what was started here; the data stays. */
  stop(): Promise<void>;
}

// How long an engine that was started by somebody else may take to answer.
const REUSED_SECONDS = 10;

/**
 * Installs what is missing, starts the engines side by side, and makes Kafka's topics.
 * If anything fails, all that was started is stopped before the error is thrown.
 * @throws StackRunsError when a stack runs in this folder
 * @throws PortsError, MissingToolsError, InstallError, ProcessStartError or StartCancelledError
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { folder, ports, report, signal, reuse = {} } = options;
  const paths = stackPaths(folder);
  const own = ENGINE_NAMES.filter((name) => !reuse[engine(name).variable]);
  const engines: Partial<Record<EngineName, ManagedProcess>> = {};

  const holder = await claimPlace(paths.supervisor);
  if (holder) {
    throw new StackRunsError(
      `A local stack runs already in ${folder} (process ${holder.pid}): use it, or stop it first.`,
    );
  }
  const stop = async () => {
    await Promise.all(Object.values(engines).map((process) => stopAndTell(process, report)));
    await rm(paths.supervisor, { force: true });
  };
  try {
    await stopLeftovers(paths.run, report);
    await checkPortsAreFree(ports, [
      ...own.flatMap((name) => engine(name).ports),
      ...(options.alsoNeeds ?? []),
    ]);
    const places = await installEngines(own, { report, signal });
    await setOldLogsAside(paths);
    if (options.empty) await emptyData(paths);
    const addresses = stackAddresses(ports, reuse);
    await options.onAddresses?.(addresses, paths);
    for (const name of own) {
      const setting = {
        place: places[name],
        ports,
        paths,
        durable: !options.empty,
        continueAsNewAt: options.continueAsNewAt,
      };
      engines[name] = new ManagedProcess(await engine(name).process(setting), paths);
    }
    await bringUp(engines, addresses, report, signal);
    return { addresses, paths, engines, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts all engines at once; the first that fails calls the others off. */
async function bringUp(
  engines: RunningStack['engines'],
  addresses: Addresses,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const starts = ENGINE_NAMES.map(async (name) => {
    const { variable, finish } = engine(name);
    const own = engines[name];
    try {
      const took = own ? await own.start(either) : await waitForReused(name, addresses, either);
      await finish?.(addresses);
      report(
        `${own ? own.spec.title : `${variable} (not started here)`}: ready in ${inSeconds(took)} at ${addresses[variable]}`,
      );
    } catch (error) {
      failed.abort();
      throw error;
    }
  });
  const results = await Promise.allSettled(starts);
  const reasons = results
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  // The others were called off because of the first: it is the one to tell.
  const cause = reasons.find(
    (reason) => !(reason instanceof StackError && reason.code === 'STACK_START_CANCELLED'),
  );
  if (reasons.length > 0) throw cause ?? reasons[0];
}

async function waitForReused(name: EngineName, addresses: Addresses, signal: AbortSignal): Promise<number> {
  const { variable, answers } = engine(name);
  const started = performance.now();
  let reason = 'it is still starting';
  while (performance.now() - started < REUSED_SECONDS * 1000 && !signal.aborted) {
    try {
      if (await answers(addresses)) return performance.now() - started;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    await sleep(250);
  }
  throw new StackError(
    `${variable} is set to ${addresses[variable]}, which does not answer (${reason}): start it, or unset ${variable} to have one started here.`,
  );
}

/** Stops a process, or one that is kept running, and says how long that took. */
export async function stopAndTell(process: ManagedProcess | KeptProcess, report: Report): Promise<void> {
  const { spec, pid } = process;
  const started = performance.now();
  const slow = setTimeout(() => report(`${spec.title}: finishing what it is doing …`), 2000);
  await process.stop();
  clearTimeout(slow);
  if (pid !== undefined) report(`${spec.title}: stopped in ${inSeconds(performance.now() - started)}`);
}

/** Each start has logs of its own; those of the one before are kept beside them. */
async function setOldLogsAside(paths: StackPaths): Promise<void> {
  const previous = join(paths.logs, 'previous');
  const logs = (await readdir(paths.logs).catch(() => [])).filter((name) => name.endsWith('.log'));
  if (logs.length === 0) return;
  await rm(previous, { recursive: true, force: true });
  await mkdir(previous, { recursive: true });
  for (const name of logs) await rename(join(paths.logs, name), join(previous, name));
}

async function emptyData(paths: StackPaths): Promise<void> {
  for (const name of ENGINE_NAMES) {
    if (name !== 'trino') await rm(paths.data(name), { recursive: true, force: true });
  }
}
