import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../domain/values/message-of.ts';
import { stackAddresses, type Addresses } from './addresses.ts';
import { ENGINE_NAMES, engine, type EngineName } from './definitions/engines.ts';
import { StackError, StackRunsError } from './errors.ts';
import { installEngines } from './install/install-engines.ts';
import { stackPaths, type StackPaths } from './paths.ts';
import { checkPortsAreFree, type PortName, type Ports } from './ports.ts';
import { formatSeconds, type Report } from './report.ts';
import { acquireLock, releaseLock } from './supervision/lock-file.ts';
import { ManagedProcess } from './supervision/managed-process.ts';
import type { RestartingProcess } from './supervision/restarting-process.ts';
import { stopLeftovers } from './supervision/stop-leftovers.ts';
import { withoutCredentials } from './without-credentials.ts';

interface StackOptions {
  /** `stackFolder`, `testStackFolder` or `benchStackFolder`. */
  readonly folder: string;
  readonly ports: Ports;
  /** Environment; an engine whose address it contains is used instead of started. Default: start every engine. */
  readonly reuse?: NodeJS.ProcessEnv;
  readonly report: Report;
  /** Cancels the start. */
  readonly signal?: AbortSignal;
  /** Start with empty engines, and keep Temporal in memory. The lakehouse stays, because its content is the same each time. */
  readonly empty?: boolean;
  /** History events after which Temporal suggests continue-as-new, so that tests need not produce 4,096. */
  readonly continueAsNewAt?: number;
  /** Ports that the caller is going to use, checked together with the engines' ports. */
  readonly extraPorts?: readonly PortName[];
  /** Called when the addresses are final, before the engines start. */
  readonly onAddresses?: (addresses: Addresses) => Promise<void>;
}

/** The engines of one run. */
export interface RunningStack {
  readonly addresses: Addresses;
  readonly paths: StackPaths;
  /** The engines started here; a test may stop, kill and start one. */
  readonly engines: Readonly<Partial<Record<EngineName, ManagedProcess>>>;
  /** Stops what was started here; the data stays. */
  stop(): Promise<void>;
}

/** How long a reused engine may take to respond. */
const REUSED_TIMEOUT_SECONDS = 10;

/**
 * Installs the missing engines, starts all engines in parallel and creates Kafka's topics.
 * If a step fails, everything that was started is stopped before the error is thrown.
 * @throws StackRunsError when another process runs a stack in this folder
 * @throws PortsError, MissingToolsError, InstallError, ProcessStartError or StartCancelledError
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const { folder, ports, report, reuse = {} } = options;
  const paths = stackPaths(folder);
  const engines: Partial<Record<EngineName, ManagedProcess>> = {};

  const holder = await acquireLock(paths.supervisor);
  if (holder) {
    throw new StackRunsError(
      `A local stack is already running in ${folder} (process ${holder.pid}): use it, or stop it first.`,
    );
  }
  const stop = async () => {
    await Promise.all(Object.values(engines).map((process) => stopAndReport(process, report)));
    await releaseLock(paths.supervisor);
  };
  try {
    await stopLeftovers(paths.run, report);
    const addresses = stackAddresses(ports, reuse);
    Object.assign(engines, await createProcesses(options, paths, addresses));
    await startEngines(engines, addresses, report, options.signal);
    return { addresses, paths, engines, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Installs the engines that are not reused and prepares the folders. @returns one process for each, not started yet */
async function createProcesses(
  {
    ports,
    report,
    signal,
    reuse = {},
    empty = false,
    continueAsNewAt,
    extraPorts = [],
    onAddresses,
  }: StackOptions,
  paths: StackPaths,
  addresses: Addresses,
): Promise<Partial<Record<EngineName, ManagedProcess>>> {
  const names = ENGINE_NAMES.filter((name) => !reuse[engine(name).variable]);
  await checkPortsAreFree(ports, [...names.flatMap((name) => engine(name).ports), ...extraPorts]);
  const installPaths = await installEngines(names, { report, signal });
  await archiveLogs(paths);
  if (empty) await removeData(paths);
  await onAddresses?.(addresses);
  const processes: Partial<Record<EngineName, ManagedProcess>> = {};
  for (const name of names) {
    const context = { installPath: installPaths[name], ports, paths, durable: !empty, continueAsNewAt };
    processes[name] = new ManagedProcess(await engine(name).process(context), paths);
  }
  return processes;
}

/** Starts all engines in parallel. The first failure cancels the other starts. */
async function startEngines(
  engines: RunningStack['engines'],
  addresses: Addresses,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<void> {
  const failed = new AbortController();
  const cancelled = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const starts = ENGINE_NAMES.map(async (name) => {
    const { variable, afterStart } = engine(name);
    const process = engines[name];
    try {
      const ms = process ? await process.start(cancelled) : await waitForReused(name, addresses, cancelled);
      await afterStart?.(addresses);
      const title = process ? process.spec.title : `${variable} (already running)`;
      report(`${title}: ready in ${formatSeconds(ms)} at ${withoutCredentials(addresses[variable])}`);
    } catch (error) {
      failed.abort();
      throw error;
    }
  });
  const results = await Promise.allSettled(starts);
  const reasons = results
    .filter((result) => result.status === 'rejected')
    .map(({ reason }) => reason as unknown);
  // The first failure cancelled the other starts: throw it, not their cancellations.
  const cause = reasons.find(
    (reason) => !(reason instanceof StackError && reason.code === 'STACK_START_CANCELLED'),
  );
  if (reasons.length > 0) throw cause ?? reasons[0];
}

async function waitForReused(name: EngineName, addresses: Addresses, signal: AbortSignal): Promise<number> {
  const { variable, isReady } = engine(name);
  const started = performance.now();
  let reason = 'it is still starting';
  while (performance.now() - started < REUSED_TIMEOUT_SECONDS * 1000 && !signal.aborted) {
    try {
      if (await isReady(addresses)) return performance.now() - started;
    } catch (error) {
      reason = messageOf(error);
    }
    await sleep(250);
  }
  throw new StackError(
    withoutCredentials(
      `${variable} is set to ${addresses[variable]}, which does not respond (${reason}): start that engine, or unset ${variable} to start one here.`,
    ),
  );
}

/** Stops a process and reports how long it took. */
export async function stopAndReport(
  process: ManagedProcess | RestartingProcess,
  report: Report,
): Promise<void> {
  const { spec, pid } = process;
  const started = performance.now();
  const slow = setTimeout(() => report(`${spec.title}: waiting for work in progress …`), 2000);
  await process.stop();
  clearTimeout(slow);
  if (pid !== undefined) report(`${spec.title}: stopped in ${formatSeconds(performance.now() - started)}`);
}

/** Moves the logs of the last start to `previous/`, so that each start has its own. */
async function archiveLogs(paths: StackPaths): Promise<void> {
  const previous = join(paths.logs, 'previous');
  const logs = (await readdir(paths.logs).catch(() => [])).filter((name) => name.endsWith('.log'));
  if (logs.length === 0) return;
  await rm(previous, { recursive: true, force: true });
  await mkdir(previous, { recursive: true });
  for (const name of logs) await rename(join(paths.logs, name), join(previous, name));
}

/** Removes the data of every engine except the lakehouse. */
async function removeData(paths: StackPaths): Promise<void> {
  for (const name of ENGINE_NAMES) {
    if (name !== 'trino') await rm(paths.data(name), { recursive: true, force: true });
  }
}
