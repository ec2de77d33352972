import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { stackAddresses } from '../../engines/addresses.ts';
import { engine } from '../../engines/definitions/engines.ts';
import { installEngines } from '../../engines/install/install-engines.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { stackFolder, stackPaths } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { claimPlace, stopLeftovers } from '../../engines/supervision/process-record.ts';
import type { BenchEngines } from './bench.ts';

const NAMES = ['redis', 'kafka', 'temporal'] as const;

/** Engines that the test itself may stop, kill and start; what they hold outlives that. */
export interface ChaosEngines {
  readonly addresses: BenchEngines;
  readonly redis: ManagedProcess;
  readonly kafka: ManagedProcess;
  readonly temporal: ManagedProcess;
  stop(): Promise<void>;
}

/**
 * Starts engines that are empty, and durable from then on, in this process, which no global setup could hand over.
 * Without Trino: nothing listens at its address, so that scoring goes on without it, as it must.
 */
export async function startChaosEngines(): Promise<ChaosEngines> {
  const paths = stackPaths(join(stackFolder, 'chaos'));
  const holder = await claimPlace(paths.supervisor);
  if (holder) throw new Error(`Chaos tests run already (process ${holder.pid}): stop them first.`);
  const report = () => {};
  await stopLeftovers(paths.run, report);
  await rm(join(paths.folder, 'data'), { recursive: true, force: true });
  const [ports, places, bundle] = await Promise.all([
    freePorts(),
    installEngines(NAMES, { report }),
    bundleWorkflows(join(paths.folder, 'workflow-bundle.js')),
  ]);
  const [redis, kafka, temporal] = await Promise.all(
    NAMES.map(
      async (name) =>
        new ManagedProcess(
          await engine(name).process({ place: places[name], ports, paths, durable: true }),
          paths,
        ),
    ),
  );
  if (!redis || !kafka || !temporal) throw new Error('unreachable: one process a name');
  const stop = async () => {
    await Promise.all([redis, kafka, temporal].map((process) => process.stop()));
    await rm(paths.supervisor, { force: true });
  };
  const addresses = stackAddresses(ports, { TRINO_URL: 'http://127.0.0.1:1' });
  try {
    await Promise.all([redis, kafka, temporal].map((process) => process.start()));
    for (const name of NAMES) await engine(name).finish?.(addresses);
  } catch (error) {
    await stop();
    throw error;
  }
  return { addresses: { ...addresses, WORKFLOW_BUNDLE: bundle }, redis, kafka, temporal, stop };
}

async function bundleWorkflows(path: string): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('WARN'),
  });
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, code);
  return path;
}
