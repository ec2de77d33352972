import { stackAddresses, type Addresses } from './addresses.ts';
import { keptApiToken, writeEnvFile } from './environment.ts';
import { inSeconds, type Report } from './install/progress.ts';
import { fillLakehouse } from '../simulators/lakehouse/fill.ts';
import { ManagedProcess, type ProcessSpec } from './supervision/managed-process.ts';
import { stackFolder, stackPaths } from './paths.ts';
import type { Ports } from './ports.ts';
import { KeptProcess } from './supervision/processes.ts';
import { apiProgram, mlServiceProgram, producerProgram, workerProgram } from './programs.ts';
import { untilAborted } from './supervision/signals.ts';
import { startStack, stopAndTell } from './stack.ts';

export interface SystemOptions {
  readonly ports: Ports;
  readonly environment: NodeJS.ProcessEnv;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** Events a second that the producer makes; undefined for no producer. */
  readonly producerRate: number | undefined;
}

/** All that a program or a person needs to reach the system: the content of `.stack/env`. */
export interface SystemAddresses extends Addresses {
  ML_API_URL: string;
  API_URL: string;
  API_TOKEN: string;
}

export interface RunningSystem {
  readonly addresses: SystemAddresses;
  /** Stops everything that was started, in reverse order; the data stays. */
  stop(): Promise<void>;
}

const paths = stackPaths(stackFolder);

/**
 * Starts the whole system: engines, lakehouse, ML service, worker, API and producer, each kept running until stopped.
 * If that fails, or the signal is aborted, what was started is stopped before the error is thrown.
 * @throws what `startStack` throws; StartCancelledError when the signal is aborted
 */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { ports, environment, report, signal } = options;
  const addresses = await systemAddresses(ports, environment);
  const stack = await startStack({
    folder: stackFolder,
    ports,
    reuse: environment,
    report,
    signal,
    alsoNeeds: environment.ML_API_URL ? ['api'] : ['mlApi', 'api'],
    onAddresses: () => writeEnvFile(paths.env, { ...addresses }),
  });
  const engines = Object.values(stack.engines).map((engine) => new KeptProcess(engine, report));
  const programs: KeptProcess[] = [];
  const stop = async () => {
    for (const program of programs.reverse()) await stopAndTell(program, report);
    await Promise.all(engines.map((engine) => stopAndTell(engine, report)));
    await stack.stop();
  };
  try {
    await startPrograms(options, addresses, programs);
    return { addresses, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function systemAddresses(ports: Ports, environment: NodeJS.ProcessEnv): Promise<SystemAddresses> {
  return {
    ...stackAddresses(ports, environment),
    ML_API_URL: environment.ML_API_URL || `http://127.0.0.1:${ports.mlApi}`,
    API_URL: `http://127.0.0.1:${ports.api}`,
    API_TOKEN: environment.API_TOKEN || (await keptApiToken(paths.apiToken)),
  };
}

async function startPrograms(
  { ports, environment, report, signal, producerRate }: SystemOptions,
  addresses: SystemAddresses,
  programs: KeptProcess[],
): Promise<void> {
  const env = { ...addresses, API_PORT: String(ports.api), ML_API_PORT: String(ports.mlApi) };
  const start = async (spec: ProcessSpec) => {
    const program = new KeptProcess(new ManagedProcess(spec, paths), report);
    programs.push(program);
    report(`${spec.title}: ready in ${inSeconds(await program.start(signal))}`);
  };
  const lakehouseAndMlService = Promise.all([
    environment.ML_API_URL ? undefined : start(mlServiceProgram(env, addresses.ML_API_URL)),
    fillLakehouse({
      trinoUrl: addresses.TRINO_URL,
      catalog: addresses.TRINO_CATALOG,
      schema: addresses.TRINO_SCHEMA,
      report,
    }),
  ]);
  await Promise.race([lakehouseAndMlService, untilAborted(signal)]);
  signal.throwIfAborted();
  await Promise.all([
    start(workerProgram(env)),
    start(apiProgram(env, addresses.API_URL)),
    producerRate === undefined
      ? undefined
      : start(producerProgram({ ...env, PRODUCER_RATE: String(producerRate) })),
  ]);
}
