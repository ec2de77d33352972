import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackAddresses } from '../../engines/addresses.ts';
import { engine } from '../../engines/definitions/engines.ts';
import { installEngines } from '../../engines/install/install-engines.ts';
import { ManagedProcess } from '../../engines/supervision/managed-process.ts';
import { stackFolder, stackPaths } from '../../engines/paths.ts';
import { freePorts, someFreePorts } from '../../engines/ports.ts';
import { acquireLock } from '../../engines/supervision/lock-file.ts';
import { stopLeftovers } from '../../engines/supervision/stop-leftovers.ts';
import { bundleWorkflows } from '../../workers/workflow-bundle.ts';
import type { ChaosAddresses } from './chaos-run.ts';
import { startKafkaCluster, type KafkaCluster } from './kafka-cluster.ts';

const NAMES = ['redis', 'temporal'] as const;

export interface ChaosEnginesOptions {
  /** Number of Kafka brokers. */
  readonly brokers?: 1 | 3;
  /** Default: the Kafka of `npm start`. */
  readonly kafkaVersion?: 'kafka' | 'kafka39';
}

/** Engines that a test may stop, kill and start again. They keep their data when they are killed. */
export interface ChaosEngines {
  readonly addresses: ChaosAddresses;
  readonly redis: ManagedProcess;
  /** The first broker. */
  readonly kafka: ManagedProcess;
  readonly cluster: KafkaCluster;
  readonly temporal: ManagedProcess;
  stop(): Promise<void>;
}

/**
 * Starts empty, durable engines as children of this process. A global setup could not do this, because it cannot pass a process
 * handle to a test. There is no Trino: scoring must work without it.
 */
export async function startChaosEngines(options: ChaosEnginesOptions = {}): Promise<ChaosEngines> {
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
  const [redis, temporal] = await Promise.all(
    NAMES.map(
      async (name) =>
        new ManagedProcess(
          await engine(name).process({ installPath: installPaths[name], ports, paths, durable: true }),
          paths,
        ),
    ),
  );
  if (!redis || !temporal) throw new Error('unreachable: one process for each name');
  const { brokers = 1, kafkaVersion } = options;
  let cluster: KafkaCluster | undefined;
  const stop = async () => {
    await Promise.all([redis.stop(), temporal.stop(), cluster?.stop()]);
    await rm(paths.supervisor, { force: true });
  };
  try {
    await Promise.all([redis.start(), temporal.start()]);
    cluster = await startKafkaCluster({
      ...{ paths, ports: await someFreePorts(2 * brokers) },
      ...(kafkaVersion && { version: kafkaVersion }),
    });
    const [kafka] = cluster.nodes;
    if (!kafka) throw new Error('unreachable: a cluster has nodes');
    const addresses = stackAddresses(ports, {
      TRINO_URL: 'http://127.0.0.1:1',
      KAFKA_BROKERS: cluster.brokers,
    });
    return { addresses: { ...addresses, WORKFLOW_BUNDLE: bundle }, redis, kafka, cluster, temporal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeWorkflowBundle(path: string): Promise<string> {
  const code = await bundleWorkflows();
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, code);
  return path;
}
