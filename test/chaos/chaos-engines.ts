import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackAddresses } from '../../engines/addresses.ts';
import { engine } from '../../engines/definitions/engines.ts';
import { installEngines } from '../../engines/install/install-engines.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { stackFolder, stackPaths } from '../../engines/paths.ts';
import { freePorts } from '../../engines/ports.ts';
import { acquireLock } from '../../engines/supervision/lock-file.ts';
import { stopLeftovers } from '../../engines/supervision/stop-leftovers.ts';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import type { ChaosAddresses } from './chaos-run.ts';

const NAMES = ['redis', 'kafka', 'temporal'] as const;

/** Engines that a test may stop, kill and start again. They keep their data when they are killed. */
export interface ChaosEngines {
  readonly addresses: ChaosAddresses;
  readonly redis: ManagedProcess;
  readonly kafka: ManagedProcess;
  readonly temporal: ManagedProcess;
  stop(): Promise<void>;
}

/**
 * Starts empty, durable engines as children of this process. A global setup could not do this, because it cannot pass a process
 * handle to a test. There is no Trino: scoring must work without it.
 */
export async function startChaosEngines(): Promise<ChaosEngines> {
  const paths = stackPaths(join(stackFolder, 'chaos'));
  const holder = await acquireLock(paths.supervisor);
  if (holder) throw new Error(`Chaos tests are already running (process ${holder.pid}): stop them first.`);
  const report = () => {};
  await stopLeftovers(paths.run, report);
  await rm(join(paths.folder, 'data'), { recursive: true, force: true });
  const [ports, installPaths, bundle] = await Promise.all([
    freePorts(),
    installEngines(NAMES, { report }),
    writeWorkflowBundle(join(paths.folder, 'workflow-bundle.js')),
  ]);
  const [redis, kafka, temporal] = await Promise.all(
    NAMES.map(
      async (name) =>
        new ManagedProcess(
          await engine(name).process({ installPath: installPaths[name], ports, paths, durable: true }),
          paths,
        ),
    ),
  );
  if (!redis || !kafka || !temporal) throw new Error('unreachable: one process for each name');
  const stop = async () => {
    await Promise.all([redis, kafka, temporal].map((process) => process.stop()));
    await rm(paths.supervisor, { force: true });
  };
  const addresses = stackAddresses(ports, { TRINO_URL: 'http://127.0.0.1:1' });
  try {
    await Promise.all([redis, kafka, temporal].map((process) => process.start()));
    for (const name of NAMES) await engine(name).afterStart?.(addresses);
  } catch (error) {
    await stop();
    throw error;
  }
  return { addresses: { ...addresses, WORKFLOW_BUNDLE: bundle }, redis, kafka, temporal, stop };
}

async function writeWorkflowBundle(path: string): Promise<string> {
  const code = await bundleWorkflows();
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, code);
  return path;
}
