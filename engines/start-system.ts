import { fillLakehouse } from '../simulators/lakehouse/fill.ts';
import { stackAddresses, type Addresses } from './addresses.ts';
import { readOrCreateApiToken, writeEnvFile } from './env-file.ts';
import { stackPaths, type StackPaths } from './paths.ts';
import type { Ports } from './ports.ts';
import { apiProgram, mlServiceProgram, producerProgram, workerProgram } from './programs.ts';
import { formatSeconds, type Report } from './report.ts';
import { startStack, stopAndReport } from './start-stack.ts';
import { syntheticData, type AskedData } from './synthetic-data.ts';
import { ManagedProcess, type ProcessSpec } from './supervision/managed-process.ts';
import { RestartingProcess } from './supervision/restarting-process.ts';
import { untilAborted } from './supervision/stop-signals.ts';

interface SystemOptions {
  /** `stackFolder`, or that of a system that a test runs beside it. */
  readonly folder: string;
  readonly ports: Ports;
  readonly environment: NodeJS.ProcessEnv;
  readonly report: Report;
  /** Cancels the start. */
  readonly signal: AbortSignal;
  readonly asked?: AskedData;
}

/** All addresses of the system and the API token: the content of `.stack/env`. */
export interface SystemAddresses extends Addresses {
  ML_API_URL: string;
  API_URL: string;
  API_TOKEN: string;
}

interface RunningSystem {
  readonly addresses: SystemAddresses;
  /** Stops everything that was started, in reverse order; the data stays. */
  stop(): Promise<void>;
}

/**
 * Starts the whole system: engines, lakehouse, ML service, worker, API and producer. Each process is restarted when it exits.
 * If a step fails, or the signal is aborted, everything that was started is stopped before the error is thrown.
 * @throws the errors of `startStack`
 */
export async function startSystem(options: SystemOptions): Promise<RunningSystem> {
  const { folder, ports, environment, report, signal } = options;
  const paths = stackPaths(folder);
  const addresses = await systemAddresses(paths, ports, environment);
  const stack = await startStack({
    folder,
    ports,
    reuse: environment,
    report,
    signal,
    extraPorts: environment.ML_API_URL ? ['api'] : ['mlApi', 'api'],
    onAddresses: () => writeEnvFile(paths.env, { ...addresses }),
  });
  const engines = Object.values(stack.engines).map((engine) => new RestartingProcess(engine, report));
  const programs: RestartingProcess[] = [];
  const stop = async () => {
    for (const program of programs.reverse()) await stopAndReport(program, report);
    await Promise.all(engines.map((engine) => stopAndReport(engine, report)));
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

async function systemAddresses(
  paths: StackPaths,
  ports: Ports,
  environment: NodeJS.ProcessEnv,
): Promise<SystemAddresses> {
  return {
    ...stackAddresses(ports, environment),
    ML_API_URL: environment.ML_API_URL || `http://127.0.0.1:${ports.mlApi}`,
    API_URL: `http://127.0.0.1:${ports.api}`,
    API_TOKEN: environment.API_TOKEN || (await readOrCreateApiToken(paths.apiToken)),
  };
}

/** Starts our own programs in the order of their dependencies. @param programs receives each program before it starts */
async function startPrograms(
  { folder, ports, environment, report, signal, asked = {} }: SystemOptions,
  addresses: SystemAddresses,
  programs: RestartingProcess[],
): Promise<void> {
  const env = { ...addresses, API_PORT: String(ports.api), ML_API_PORT: String(ports.mlApi) };
  const start = async (spec: ProcessSpec) => {
    const program = new RestartingProcess(new ManagedProcess(spec, stackPaths(folder)), report);
    programs.push(program);
    report(`${spec.title}: ready in ${formatSeconds(await program.start(signal))}`);
  };
  const { fill, producerRate } = syntheticData(asked, environment);
  const lakehouseAndMlService = Promise.all([
    environment.ML_API_URL ? undefined : start(mlServiceProgram(env, addresses.ML_API_URL)),
    fill
      ? fillLakehouse({
          trinoUrl: addresses.TRINO_URL,
          catalog: addresses.TRINO_CATALOG,
          schema: addresses.TRINO_SCHEMA,
          report,
        })
      : report(
          'Lakehouse: its tables stay as they are (npm start -- --fill replaces them by synthetic ones)',
        ),
  ]);
  await Promise.race([lakehouseAndMlService, untilAborted(signal)]);
  signal.throwIfAborted();
  await Promise.all([
    start(workerProgram(env)),
    start(apiProgram(env, addresses.API_URL)),
    producerRate === 0
      ? report('Producer: not started (npm start -- --rate 2 starts it)')
      : start(producerProgram({ ...env, PRODUCER_RATE: String(producerRate) })),
  ]);
}
